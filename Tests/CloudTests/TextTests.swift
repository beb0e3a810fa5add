import Market
import TestSupport
import Testing

@testable import Cloud

struct TextTests {
  @Test func `a listing is read with escapes, tokens and sizes`() throws {
    let page = try #require(S3Page(parsing: try Fixture.bytes("s3_list_v2.xml")))
    #expect(page.entries.map(\.key) == ["raw/a&b.avro", "raw/c.avro"])
    #expect(page.entries.map(\.bytes) == [434_234, 0])
    #expect(page.entries[1].etag == "\"d41d8cd98f00b204e9800998ecf8427e-2\"")
    #expect(page.entries[1].modified?.description == "2026-01-01T00:00:01Z")
    #expect(page.next == "1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=")
  }

  @Test func `elements, sections, references and comments are read`() throws {
    let text = """
      \u{FEFF}<?xml version="1.0"?><!-- a -->
      <s3:a xmlns:s3='x' b="<&"><b/><c>1 &lt;&#x41;&#66;&amp;&gt;<!-- - --><![CDATA[<x>&]]></c><c >ä</c ></s3:a>
      """
    let root = try #require(XMLElement(parsing: Array(text.utf8)))
    #expect(root.name == "a")
    #expect(root.children.map(\.name) == ["b", "c", "c"])
    #expect(root.all("c").map(\.text) == ["1 <AB&><x>&", "ä"])
    #expect(root["d"] == nil)
  }

  @Test(arguments: [
    "", "a", "<a>", "<a></b>", "<a/><b/>", "<a>&x;</a>", "<a>&#xD800;</a>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    "<a b></a>", "<a b='></a>", "<a><![CDATA[</a>", "<a><!-- </a>", String(repeating: "<a>", count: 5000),
    String(repeating: "<a>", count: 20) + String(repeating: "</a>", count: 20),
    "<a>" + String(repeating: "<b/>", count: 60_000) + "</a>", "<a>\u{0}</a><", "<1/>x",
  ])
  func `what is no plain XML is refused`(text: String) {
    #expect(XMLElement(parsing: Array(text.utf8)) == nil)
  }

  @Test func `JSON is read and written again`() throws {
    let text = #"{"a":[1,-2.5e3,true,false,null],"b":{"c":"ä\"\\\n\u0001\ud83d\ude00\/"},"d":{},"e":[]}"#
    let tree = try #require(JSONTree(parsing: Array(text.utf8)))
    #expect(tree["b"]?["c"]?.text == "ä\"\\\n\u{1}😀/")
    #expect(tree["a"]?.elements?.first?.integer == 1)
    #expect(tree["a"]?.elements?[1].double == -2500)
    #expect(JSONTree(parsing: tree.bytes) == tree)
    #expect(String(decoding: tree.bytes, as: UTF8.self).hasPrefix(#"{"a":[1,-2.5e3,true,false,null],"b""#))
  }

  @Test(arguments: [
    "", "{", "[1,]", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "\"\\ud800\"", "\"\\udc00\"", "\"\\x\"", "\"\n\"", "nul",
    "1 2", "[1 2]", "{\"a\" 1}", "+1", ".5", "NaN", "\"a", "\"\\", String(repeating: "[", count: 9000),
    "\"" + String(repeating: "9", count: 3),
  ])
  func `what is no JSON is refused`(text: String) {
    #expect(JSONTree(parsing: Array(text.utf8)) == nil)
  }

  @Test func `percent encoding and its reverse`() {
    #expect("a b/ä~+%".percentEncoded() == "a%20b%2F%C3%A4~%2B%25")
    #expect("a b/ä".percentEncoded(keepingSlash: true) == "a%20b/%C3%A4")
    #expect(String(formDecoding: "a+b%2F%c3%A4%2B") == "a b/ä+")
    for bad in ["%", "%4", "%zz", "%FF"] { #expect(String(formDecoding: bad) == nil, "\(bad)") }
  }

  @Test(arguments: Soak.seeds(100)) func `damaged answers give a value or nothing`(seed: UInt64) throws {
    var mutator = Mutator(seed: seed)
    let xml = try ["s3_list_v2.xml", "s3_error.xml"].map { try Fixture.bytes($0) }
    let json = try [
      "kinesis_error.json", "kinesis_get_records.json", "kinesis_list_shards.json", "kinesis_put_records_partial.json",
    ].map { try Fixture.bytes($0) }
    for _ in 0..<40 {
      let frame = mutator.frame(of: xml)
      if let root = XMLElement(parsing: frame) { #expect(root.text.utf8.count <= frame.count) }
      if let page = S3Page(parsing: frame) { #expect(page.entries.allSatisfy { $0.bytes >= 0 }) }
      let other = mutator.frame(of: json)
      if let tree = JSONTree(parsing: other) { #expect(JSONTree(parsing: tree.bytes) == tree) }
    }
  }
}
