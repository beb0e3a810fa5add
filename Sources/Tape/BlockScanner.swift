/// Reads the records of one block back.
struct BlockScanner {
  private var scanner: TapeScanner
  private var sources: [String] = []
  private var arrival: Int64 = 0
  private(set) var left: Int

  init(_ contents: [UInt8], records: Int) { (scanner, left) = (TapeScanner(contents[...]), records) }

  /// The records that were promised came, and nothing else.
  var isWhole: Bool { left == 0 && scanner.isAtEnd }

  /// `nil` once none is left, or where the bytes are no record.
  mutating func next() -> TapeRecord? {
    guard left > 0, let delta = scanner.signed(), let source = nextSource(), let kind = scanner.byte(),
      let payload = scanner.counted()
    else { return nil }
    left -= 1
    arrival &+= delta
    return TapeRecord(
      arrivalNanoseconds: arrival, source: source, kind: TapeKind(rawValue: kind), payload: Array(payload))
  }

  private mutating func nextSource() -> String? {
    guard let number = scanner.variable() else { return nil }
    if number > 0 { return number <= UInt64(sources.count) ? sources[Int(number) - 1] : nil }
    guard let name = scanner.counted() else { return nil }
    sources.append(String(decoding: name, as: UTF8.self))
    return sources.last
  }
}
