import FoundationEssentials
import Market
import Operations
import TestSupport
import Testing

struct JSONValueTests {
  @Test func `escapes what JSON cannot hold`() throws {
    let text = "a\"b\\c\n\r\t\u{01}é🕯"
    let decoded = try JSONDecoder().decode([String].self, from: Data(JSONValue.array([.text(text)]).description.utf8))
    #expect(decoded == [text])
  }

  @Test func `a number that is none is null`() {
    #expect(JSONValue.array([.number(.nan), .number(.infinity), .number(1.5)]).description == "[null,null,1.5]")
  }

  @Test func `is indented for people`() {
    let value: JSONValue = ["a": [1, 2], "b": [], "c": [["d": nil]]]
    #expect(value.indented == "{\n  \"a\": [1,2],\n  \"b\": [],\n  \"c\": [\n    {\n      \"d\": null\n    }\n  ]\n}")
  }

  @Test(arguments: Soak.seeds(100))
  func `every number comes back with the same bits`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let number = Double(bitPattern: generator.next())
    guard number.isFinite else { return }
    let text = JSONValue.array([.number(number)]).description
    #expect(try JSONDecoder().decode([Double].self, from: Data(text.utf8)).first?.bitPattern == number.bitPattern)
  }
}
