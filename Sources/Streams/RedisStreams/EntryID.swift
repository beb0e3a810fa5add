/// The name that Redis gives an entry: milliseconds and a number, `1767225600000-0`.
struct EntryID: Hashable, Comparable, CustomStringConvertible {
  var milliseconds: UInt64
  var number: UInt64

  static let zero = EntryID(milliseconds: 0, number: 0)

  init(milliseconds: UInt64, number: UInt64) { (self.milliseconds, self.number) = (milliseconds, number) }

  init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let milliseconds = UInt64(parts[0]), let number = UInt64(parts[1]) else { return nil }
    self.init(milliseconds: milliseconds, number: number)
  }

  var description: String { "\(milliseconds)-\(number)" }

  /// The last one before this; `nil` for the first of all.
  var predecessor: EntryID? {
    if number > 0 { return EntryID(milliseconds: milliseconds, number: number - 1) }
    return milliseconds > 0 ? EntryID(milliseconds: milliseconds - 1, number: .max) : nil
  }

  static func < (a: EntryID, b: EntryID) -> Bool { (a.milliseconds, a.number) < (b.milliseconds, b.number) }
}
