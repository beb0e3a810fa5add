import Market
import Testing

@testable import Serving

struct JSONScannerTests {
  private func read<Value>(_ text: String, _ read: (inout JSONScanner) throws -> Value) throws -> Value {
    try Array(text.utf8).withUnsafeBytes { bytes in
      var scanner = JSONScanner(bytes)
      let value = try read(&scanner)
      try scanner.end()
      return value
    }
  }

  @Test(arguments: [
    "0", "-0", "1", "0.1", "-12.5e-3", "1E22", "1e23", "9007199254740993", "123456789012345678",
    "0.00012345678901234567",
    "1e-400", "4.9e-324", "1.7976931348623157e308", "100000000000000000000000", "0.30000000000000004", "5e-5",
  ])
  func `a number is the nearest double`(text: String) throws {
    #expect(try read(text) { try $0.number() }.bitPattern == Double(text)?.bitPattern)
  }

  @Test func `numbers of all sizes and lengths are the nearest doubles`() throws {
    var generator = SplitMix64(seed: 77)
    for _ in 0..<20_000 {
      let digits = (0..<Int.random(in: 1...20, using: &generator)).map { _ in
        String(Int.random(in: 0...9, using: &generator))
      }.joined()
      let whole = "\(Int.random(in: 0...99_999, using: &generator))"
      let exponent = Int.random(in: -30...30, using: &generator)
      let text = "\(whole).\(digits)e\(exponent)"
      #expect(try read(text) { try $0.number() }.bitPattern == Double(text)?.bitPattern, "\(text), seed 77")
      let float = Float(bitPattern: UInt32.random(in: 0..<0x7F80_0000, using: &generator))
      #expect(try read("\(float)") { Float(try $0.number()) } == float, "\(float), seed 77")
    }
  }

  @Test func `too large a number is infinite`() throws {
    #expect(try read("-1e999") { try $0.number() } == -.infinity)
  }

  @Test(arguments: [
    (#""""#, ""), (#""a b""#, "a b"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u00e4ö""#, "äö"),
    (#""\ud83d\ude00!""#, "😀!"), (#""😀""#, "😀"),
  ])
  func `a string is what it says`(text: String, value: String) throws {
    #expect(try read(text) { try $0.text() } == value)
  }

  @Test func `anything can be skipped, but not nested without end`() throws {
    try read(#"{"a":[1,{"b":null},"x",true,[]],"c":{}}"#) { try $0.skip() }
    let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
    #expect(throws: APIFailure.self) { try read(deep) { try $0.skip() } }
  }
}
