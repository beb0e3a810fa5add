import Market
import Testing
import Venues

@Suite struct JSONScannerTests {
  private func scan<Value>(
    _ text: String, _ body: (inout JSONScanner) throws(VenueError) -> Value
  ) throws(VenueError) -> Value {
    let bytes = Array(text.utf8)
    let result = bytes.withUnsafeBufferPointer { buffer -> Result<Value, VenueError> in
      var scanner = JSONScanner(buffer)
      do throws(VenueError) { return .success(try body(&scanner)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  @Test func `members are found by name and the rest is passed over`() throws {
    let text = #" {"x": {"deep": [1, "a", null, true]}, "id": 42, "price": "1.50" , "ok":false} "#
    var id: Int64 = 0
    var price = Decimal8.zero
    try scan(text) { scanner throws(VenueError) in
      try scanner.object { scanner, key throws(VenueError) in
        switch key {
        case "id": id = try scanner.integer()
        case "price": price = try scanner.decimal()
        default: try scanner.skip()
        }
      }
      try scanner.end()
    }
    #expect(id == 42)
    #expect(price == Decimal8("1.5"))
  }

  @Test func `escapes are resolved`() throws {
    let text = try scan(#""a\"\\\/\n\u00e9\ud83d\ude00""#) { scanner throws(VenueError) in try scanner.string() }
    #expect(text == "a\"\\/\n\u{e9}\u{1F600}")
  }

  @Test(arguments: [
    "", "{", "{\"a\"}", "{\"a\":}", "[1,]", "[1", "\"open", "\"a\\", "nul", "truth", "{\"a\":1}x", "{\"a\" 1}", "[1 2]",
    "\u{1}", "{1:2}",
  ])
  func `what is not JSON is an error and never a value`(text: String) {
    #expect(throws: VenueError.self) {
      try scan(text) { scanner throws(VenueError) in
        try scanner.skip()
        try scanner.end()
      }
    }
  }

  @Test func `a string ends where it ends, wherever that is`() throws {
    for length in 0...40 {
      let plain = String(repeating: "aé", count: length / 2) + "~"
      let found = try scan("\"" + plain + "\",\"x\"") { scanner throws(VenueError) in try scanner.string() }
      #expect(found == plain)
      let escaped = try scan("\"" + plain + "\\\"" + plain + "\"") { scanner throws(VenueError) in
        try scanner.string()
      }
      #expect(escaped == plain + "\"" + plain)
      #expect(throws: VenueError.self) {
        try scan("\"" + plain + "\u{1F}" + plain + "\"") { scanner throws(VenueError) in try scanner.string() }
      }
      #expect(throws: VenueError.self) {
        try scan("\"" + plain) { scanner throws(VenueError) in try scanner.string() }
      }
    }
  }

  @Test func `nesting has a limit`() {
    #expect(throws: VenueError.self) {
      try scan(String(repeating: "[", count: 100_000)) { scanner throws(VenueError) in try scanner.skip() }
    }
  }

  @Test(arguments: ["9223372036854775808", "-", "1.0", "1e3", "\"1\"", "99999999999999999999"])
  func `only whole numbers in range are integers`(text: String) {
    #expect(throws: VenueError.self) { try scan(text) { scanner throws(VenueError) in try scanner.integer() } }
  }
}
