import Market
import Testing

struct Decimal8Tests {
  @Test(arguments: [
    ("0.00000001", 1), ("71280.01000000", 7_128_001_000_000), ("-1.5", -150_000_000), ("0", 0), ("7.", 700_000_000),
    (".5", 50_000_000), ("1.000000000000", 100_000_000),
  ])
  func `reads plain decimals`(text: String, units: Int) {
    #expect(Decimal8(text)?.units == Int128(units))
  }

  @Test(arguments: ["", "-", ".", "1e5", "+1", " 1", "1.2.3", "0.000000001", "nan", "1000000000000"])
  func `refuses what it cannot hold exactly`(text: String) {
    #expect(Decimal8(text) == nil)
  }

  @Test func `holds the whole range of DECIMAL(20,8)`() {
    let largest = "999999999999.99999999"
    #expect(Decimal8(largest)?.description == largest)
    #expect(Decimal8("-" + largest)?.description == "-" + largest)
  }

  @Test(arguments: 0..<200)
  func `prints what it reads, and its double is the text's`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let units = Int64.random(in: 0..<9_000_000_000_000_000, using: &generator)
    let value = try #require(Decimal8(units: Int128(units)))
    #expect(Decimal8(value.description) == value)
    #expect(value.doubleValue == Double(value.description))
  }

  @Test(arguments: 0..<200)
  func `reads bytes as it reads text`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<200 {
      let length = Int.random(in: 0...24, using: &generator)
      let text = (0..<length).map { _ in Array("0123456789012345678900000.-".utf8).randomElement(using: &generator)! }
      #expect(text.withUnsafeBufferPointer { Decimal8(utf8: $0) } == Decimal8(text))
    }
  }
}
