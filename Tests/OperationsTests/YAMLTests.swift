import Market
import Operations
import TestSupport
import Testing

struct YAMLTests {
  @Test func `reads mappings, sequences and quoted text with their lines`() throws {
    let root = try #require(try YAMLParser.parse("a: 1\nb:\n  - 'x: y'\n  - {c: \"d\\n\"}\n"))
    #expect(outline(root) == "{a: 1@1, b: [x: y@3, {c: d\n@4}@4]@3}@1")
  }

  /// Flow style with the line after each node.
  private func outline(_ node: YAMLNode) -> String {
    let text =
      switch node.content {
      case .scalar(let text): text
      case .sequence(let items): "[" + items.map(outline).joined(separator: ", ") + "]"
      case .mapping(let pairs): "{" + pairs.map { "\($0.key): \(outline($0.value))" }.joined(separator: ", ") + "}"
      }
    return "\(text)@\(node.line)"
  }

  @Test func `an empty text has no document and null is empty`() throws {
    #expect(try YAMLParser.parse("# nothing\n") == nil)
    #expect(try YAMLParser.parse("~")?.content == .scalar(""))
    #expect(try YAMLParser.parse("'~'")?.content == .scalar("~"))
  }

  @Test(arguments: [
    ("a: 1\na: 2\n", 2, "twice"), ("a: &x 1\n", 1, "anchors"), ("a: *x\n", 1, "aliases"), ("a: !!int 1\n", 1, "tags"),
    ("a: 1\n---\nb: 2\n", 2, "second"), ("a: [1\n", 2, ""), ("a: 1\n b: 2\n", 2, ""), ("[a]: 1\n", 1, "key"),
    ("\tb: 1\n", 1, ""),
  ])
  func `refuses what a configuration does not need`(text: String, line: Int, problem: String) {
    let error = #expect(throws: YAMLError.self) { try YAMLParser.parse(text) }
    #expect(error?.line == line)
    #expect(error?.problem.contains(problem) != false)
  }

  @Test func `refuses depth and size without limit`() {
    #expect(throws: YAMLError.self) { try YAMLParser.parse(String(repeating: "[", count: 40)) }
    #expect(throws: YAMLError.self) { try YAMLParser.parse(String(repeating: "a", count: YAMLParser.largestBytes + 1)) }
  }

  @Test(arguments: Soak.seeds(200))
  func `noise is read or refused, never worse`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let alphabet = Array("ab:-[]{},'\"#&*!|> \n\t%@\\0é")
    let text = String(
      (0..<Int.random(in: 0..<80, using: &generator)).map { _ in alphabet.randomElement(using: &generator)! })
    _ = try? YAMLParser.parse(text)
  }
}
