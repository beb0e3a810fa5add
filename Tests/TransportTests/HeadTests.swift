import Market
import TestSupport
import Testing

@testable import Transport

struct HeadTests {
  private static func request(_ text: String, limit: Int = 1_000) throws(Head.Malformed) -> RequestHead {
    try RequestHead(Array(text.utf8), maxBodyBytes: limit)
  }

  @Test func `a request is read without changing a byte of its target`() throws {
    let head = try Self.request(
      "POST /a%2Fb/../c?x=%5B1%5D&y=a+b HTTP/1.1\r\nHost: h\r\nx-Key:  v w \t\r\nX-KEY: second\r\nContent-Length: 7\r\n\r\n"
    )
    #expect(head.method == "POST")
    #expect(head.target == "/a%2Fb/../c?x=%5B1%5D&y=a+b")
    #expect(head.head.first("X-key") == "v w")
    #expect(head.head.headers.map(\.name) == ["Host", "x-Key", "X-KEY", "Content-Length"])
    #expect(head.contentLength == 7)
    #expect(head.keepsAlive)
    let request = ServerRequest(head, body: [], from: nil)
    #expect(request.path == "/a%2Fb/../c")
    #expect(request.query == "x=%5B1%5D&y=a+b")
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400),
    ("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\u{0}\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 411), ("\r\n\r\n", 400),
  ])
  func `a malformed request is refused with its status`(text: String, status: Int) {
    let malformed = #expect(throws: Head.Malformed.self) { try Self.request(text) }
    #expect(malformed?.status == status)
  }

  @Test(arguments: Soak.seeds(400))
  func `a mutated request never traps`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var bytes = Array("GET /path?query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\nX: y\r\n\r\n".utf8)
    for _ in 0..<Int.random(in: 1...12, using: &random) {
      let byte = [0, 10, 13, 32, 58, 255, UInt8.random(in: .min ... .max, using: &random)].randomElement(using: &random)
      bytes[Int.random(in: bytes.indices, using: &random)] = byte ?? 0
    }
    for count in [bytes.count, Int.random(in: 0...bytes.count, using: &random)] {
      guard let head = try? RequestHead(Array(bytes[..<count]), maxBodyBytes: 100) else { continue }
      _ = head.head.headers
    }
  }

  @Test func `a connection is kept as the version and the header say`() throws {
    #expect(try !Self.request("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n").keepsAlive)
    #expect(try !Self.request("GET / HTTP/1.0\r\n\r\n").keepsAlive)
    #expect(try Self.request("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keepsAlive)
  }
}
