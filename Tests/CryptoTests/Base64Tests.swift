import Crypto
import Testing

@Suite struct Base64Tests {
  @Test func `bytes go through base64 and back`() {
    for count in 0..<200 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
      #expect(Base64.bytes(of: Base64.text(of: bytes)) == bytes)
    }
    #expect(Base64.text(of: Array("{\"p\":1}".utf8)) == "eyJwIjoxfQ==")
    #expect(Base64.text(of: Array("foob".utf8)) == "Zm9vYg==")
    #expect(Base64.text(of: Array("fooba".utf8)) == "Zm9vYmE=")
    for bad in ["a", "ab", "abc", "a===", "====", "ab=c", "ab c", "YW==YQ==", "YR==", "ä==="] {
      #expect(Base64.bytes(of: bad) == nil, "\(bad)")
    }
  }

  @Test func `padding may be left out where that is allowed`() {
    #expect(Base64.bytes(of: "YQ", padding: .optional) == Array("a".utf8))
    #expect(Base64.bytes(of: "YQ==", padding: .optional) == Array("a".utf8))
    #expect(Base64.bytes(of: "YQ") == nil)
    #expect(Base64.bytes(of: "Y", padding: .optional) == nil)
  }
}
