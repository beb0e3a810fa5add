internal import Market

/// Damages real frames as broken networks, bugs and enemies do, the same way for the same seed.
///
/// What it returns may still be a valid frame: a decoder has to give a value that keeps its rules, or an error.
package struct Mutator {
  private var random: SplitMix64
  /// Nothing longer is made, so that a decoder's memory can be judged by its input.
  package static let longest = 64 * 1024

  package init(seed: UInt64) { random = SplitMix64(seed: seed) }

  /// One of the frames with one to four damages; every sixteenth as it is.
  package mutating func frame(of corpus: [[UInt8]]) -> [UInt8] {
    guard var frame = corpus.randomElement(using: &random) else { return [] }
    if chance(16) { return frame }
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      damage(&frame, corpus)
      if frame.count > Self.longest { frame.removeLast(frame.count - Self.longest) }
    }
    return frame
  }

  private mutating func damage(_ frame: inout [UInt8], _ corpus: [[UInt8]]) {
    switch Int.random(in: 0..<14, using: &random) {
    case 0: flipBits(&frame)
    case 1: frame.removeLast(frame.isEmpty ? 0 : .random(in: 1...frame.count, using: &random))
    case 2: frame.removeSubrange(run(frame))
    case 3: frame.insert(contentsOf: frame[run(frame)], at: spot(frame))
    case 4: splice(&frame, corpus)
    case 5: frame.replaceSubrange(digits(frame) ?? run(frame), with: Array(pick(Self.numbers).utf8))
    case 6: nest(&frame)
    case 7: frame.replaceSubrange(run(frame, upTo: 4), with: pick(Self.badText))
    case 8, 9: overwriteInteger(&frame)
    case 10: frame.replaceSubrange(quoted(frame) ?? run(frame), with: Array(pick(Self.values).utf8))
    case 11: swapQuoted(&frame)
    case 12: if !frame.isEmpty { frame[frame.indices.randomElement(using: &random)!] = pick(Self.bytes) }
    default: frame.insert(contentsOf: (0..<Int.random(in: 1...16, using: &random)).map { _ in byte() }, at: spot(frame))
    }
  }

  private mutating func flipBits(_ frame: inout [UInt8]) {
    guard !frame.isEmpty else { return }
    for _ in 0..<Int.random(in: 1...8, using: &random) {
      frame[.random(in: frame.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    }
  }

  private mutating func splice(_ frame: inout [UInt8], _ corpus: [[UInt8]]) {
    guard let other = corpus.randomElement(using: &random) else { return }
    frame = Array(frame.prefix(spot(frame))) + other.suffix(from: spot(other))
  }

  private mutating func nest(_ frame: inout [UInt8]) {
    let opening = pick(["[", "{\"a\":", "[[0],", "\"", "\\"])
    let text = String(repeating: opening, count: .random(in: 1...(chance(8) ? 4000 : 40), using: &random))
    frame.insert(contentsOf: text.utf8, at: spot(frame))
  }

  /// A length, count, id or time of a binary frame becomes an unlikely one.
  private mutating func overwriteInteger(_ frame: inout [UInt8]) {
    let width = pick([1, 2, 4, 8])
    guard frame.count >= width else { return }
    let near = Int64.random(in: -2...2, using: &random)
    let value = pick([0, 1, 127, 255, 10_001, 65_535, Int64(frame.count), 1 << 31, .max, .min, -1]) &+ near
    let start = Int.random(in: 0...frame.count - width, using: &random)
    let isBig = Bool.random(using: &random)
    for index in 0..<width {
      frame[start + index] = UInt8(truncatingIfNeeded: value >> Int64(8 * (isBig ? width - 1 - index : index)))
    }
  }

  private mutating func swapQuoted(_ frame: inout [UInt8]) {
    guard let first = quoted(frame), let second = quoted(frame), first.upperBound <= second.lowerBound else { return }
    let (early, late) = (Array(frame[first]), Array(frame[second]))
    frame.replaceSubrange(second, with: early)
    frame.replaceSubrange(first, with: late)
  }

  // MARK: Places

  private mutating func spot(_ frame: [UInt8]) -> Int { .random(in: 0...frame.count, using: &random) }

  private mutating func run(_ frame: [UInt8], upTo longest: Int = 64) -> Range<Int> {
    let start = spot(frame)
    return start..<min(frame.count, start + .random(in: 0...longest, using: &random))
  }

  /// A number near a random place.
  private mutating func digits(_ frame: [UInt8]) -> Range<Int>? {
    guard let start = frame[spot(frame)...].firstIndex(where: \.isDigit) else { return nil }
    return start..<(frame[start...].firstIndex { !$0.isDigit && $0 != UInt8(ascii: ".") } ?? frame.count)
  }

  /// A string with its quotes near a random place.
  private mutating func quoted(_ frame: [UInt8]) -> Range<Int>? {
    let quote = UInt8(ascii: "\"")
    guard let start = frame[spot(frame)...].firstIndex(of: quote),
      let end = frame[(start + 1)...].firstIndex(of: quote)
    else { return nil }
    return start..<end + 1
  }

  // MARK: Chance

  private mutating func chance(_ oneIn: UInt64) -> Bool { random.next() % oneIn == 0 }

  private mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: random.next()) }

  private mutating func pick<Value>(_ values: [Value]) -> Value {
    values[Int(random.next() % UInt64(values.count))]
  }

  private static let numbers = [
    "0", "-1", "-0", "1e999", "1E-400", "0.000000001", "9223372036854775807", "9223372036854775808",
    "18446744073709551616",
    "-9223372036854775808", "99999999999.99999999", "999999999999.99999999", "1000000000000",
    "170141183460469231731687303715884105727",
    "170141183460469231731687303715884105728", "99999999999999", "100000000000000", "253402300800000",
    "9999999999999999",
    "00000000000000000000000000000000000001", "1.", ".5", "+1", "0x10", "NaN", "Infinity",
    String(repeating: "9", count: 400),
  ]
  private static let values = [
    "null", "true", "false", "{}", "[]", "\"\"", "0", "\"0\"", "\"-1\"", "\"NaN\"", "\"\\ud800\"", "\"\\u0000\"",
    "\"1e308\"", "[[]]", "\"e\"", "\"\\", "\"2024-02-30T25:61:61Z\"", "\"9999-12-31T23:59:59.999999999Z\"", "\"0x\"",
    "\"0x" + String(repeating: "f", count: 64) + "\"",
  ]
  private static let badText: [[UInt8]] = [
    [0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80], [0xE2, 0x82], [0x00],
    [0xEF, 0xBB, 0xBF],
    [0x0A], [0x22], [0x5C], [0x7F],
  ]
  private static let bytes: [UInt8] = Array("\"\\{}[]:,-.0e9tn \n".utf8) + [0x00, 0x80, 0xFF]
}
