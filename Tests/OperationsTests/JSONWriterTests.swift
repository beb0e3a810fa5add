import Operations
import Testing

struct JSONWriterTests {
  @Test func `puts commas between values and nowhere else`() {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("text", "é\"\\\n\u{01}\u{1F}🕯")
    writer.member("none", nil as String?)
    writer.member("number", -0.25)
    writer.member("infinite", Double.infinity)
    writer.name("empty")
    writer.beginObject()
    writer.endObject()
    writer.name("list")
    writer.beginArray()
    writer.value(true)
    writer.value(Int64.min)
    writer.beginArray()
    writer.endArray()
    writer.null()
    writer.literal("1e3")
    writer.endArray()
    writer.endObject()
    let text = #"""
      {"text":"é\"\\\n\u0001\u001f🕯","none":null,"number":-0.25,"infinite":null,"empty":{},\#
      "list":[true,-9223372036854775808,[],null,1e3]}
      """#
    #expect(String(decoding: writer.bytes, as: UTF8.self) == text)
  }
}
