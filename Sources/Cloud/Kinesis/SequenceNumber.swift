/// A record's place in a shard: a decimal number of up to 129 digits, which no integer holds.
package struct SequenceNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let description: String

  package static let longest = 129

  /// `nil` for anything but digits; zeros in front go.
  package init?(_ text: String) {
    guard (1...Self.longest).contains(text.utf8.count), text.utf8.allSatisfy({ $0 &- 48 < 10 }) else { return nil }
    let digits = text.drop { $0 == "0" }
    description = digits.isEmpty ? "0" : String(digits)
  }

  package static func < (a: SequenceNumber, b: SequenceNumber) -> Bool {
    let (first, second) = (a.description.utf8, b.description.utf8)
    return first.count == second.count ? first.lexicographicallyPrecedes(second) : first.count < second.count
  }
}
