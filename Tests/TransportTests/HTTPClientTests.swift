import FoundationEssentials
import Synchronization
import TestSupport
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct HTTPClientTests {
  static func fixture(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().path + "/Fixtures/" + name
  }

  private static func error(_ request: HTTPRequest, _ options: HTTPClient.Options = .init()) async -> TransportError? {
    do throws(TransportError) {
      _ = try await HTTPClient(options).send(request)
      return nil
    } catch {
      return error
    }
  }

  /// A server that answers every connection with these bytes.
  private static func saying(_ bytes: [UInt8]) throws -> RawServer {
    try RawServer { peer in
      _ = peer.readHead()
      peer.write(bytes)
    }
  }

  @Test(arguments: ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"])
  func `methods and bodies arrive as they are`(method: String) async throws {
    let server = try HTTPServer(handler: Echo())
    let body = method == "GET" ? [] : Array("body of \(method)".utf8)
    let request = HTTPRequest(method: method, url: "http://127.0.0.1:\(server.port)/a%20b?c=%2C&d=+", body: body)
    let answer = try await HTTPClient().send(request)
    #expect(answer.status == 200)
    #expect(answer.headers["x-method"] == method)
    #expect(answer.headers["X-TARGET"] == "/a%20b?c=%2C&d=+")
    #expect(answer.body == body)
  }

  @Test func `a head request has headers and no body`() async throws {
    let server = try HTTPServer(handler: Answering { _, reply in reply.send(ServerResponse(body: [1, 2, 3])) })
    let answer = try await HTTPClient().send(HTTPRequest(method: "HEAD", url: "http://127.0.0.1:\(server.port)/"))
    #expect(answer.headers["content-length"] == "3")
    #expect(answer.body.isEmpty)
  }

  @Test func `all headers are kept in order`() async throws {
    let server = try Self.saying(
      Array("HTTP/1.1 200 OK\r\nA: 1\r\nset-cookie: x\r\nSet-Cookie: y \r\nContent-Length: 0\r\n\r\n".utf8))
    let answer = try await HTTPClient().send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/"))
    #expect(
      answer.headers.prefix(3) == [HTTPHeader("A", "1"), HTTPHeader("set-cookie", "x"), HTTPHeader("Set-Cookie", "y")])
  }

  @Test func `a request does not wait for the answer to another`() async throws {
    let waiting = Mutex<[ServerReply]>([])
    let server = try HTTPServer(
      handler: Answering { _, reply in
        let all = waiting.withLock { waiting in
          waiting.append(reply)
          return waiting
        }
        if all.count == 2 { for reply in all { reply.send(ServerResponse()) } }
      })
    let (client, request) = (try HTTPClient(), HTTPRequest(url: "http://127.0.0.1:\(server.port)/"))
    async let first = client.send(request)
    async let second = client.send(request)
    #expect(try await [first.status, second.status] == [200, 200])
  }

  @Test func `a redirect is an answer`() async throws {
    let server = try Self.saying(
      Array("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".utf8))
    let answer = try await HTTPClient().send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/"))
    #expect(answer.status == 302)
  }

  @Test func `a compressed answer is decoded`() async throws {
    // printf hello | gzip -n
    let gzip: [UInt8] = [
      0x1F, 0x8B, 0x08, 0, 0, 0, 0, 0, 0, 0x03, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0, 0x86, 0xA6, 0x10, 0x36, 5, 0, 0,
      0,
    ]
    let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(gzip.count)\r\n\r\n"
    let server = try Self.saying(Array(head.utf8) + gzip)
    let answer = try await HTTPClient().send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/"))
    #expect(answer.body == Array("hello".utf8))
  }

  @Test func `connections are kept`() async throws {
    let server = try HTTPServer(handler: Echo())
    let client = try HTTPClient()
    for _ in 0..<20 { _ = try await client.send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/")) }
    #expect(server.connections == 1)
  }

  @Test func `many requests at once are all answered`() async throws {
    let server = try HTTPServer(handler: Echo())
    let client = try HTTPClient(.init(maxConnections: 8))
    let url = "http://127.0.0.1:\(server.port)/"
    let bodies = try await withThrowingTaskGroup(of: [UInt8].self) { group in
      for index in 0..<200 {
        group.addTask {
          try await client.send(HTTPRequest(method: "POST", url: url, body: Array("\(index)".utf8))).body
        }
      }
      return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
    }
    #expect(bodies.count == 200)
    #expect(server.connections <= 8)
  }

  @Test func `a megabyte goes both ways`() async throws {
    let server = try HTTPServer(handler: Echo())
    let body = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let answer = try await HTTPClient().send(
      HTTPRequest(method: "POST", url: "http://127.0.0.1:\(server.port)/", body: body))
    #expect(answer.body == body)
  }

  @Test func `nobody listening is said with host and port`() async {
    guard case .cannotConnect("127.0.0.1:1", _) = await Self.error(HTTPRequest(url: "http://127.0.0.1:1/")) else {
      Issue.record("something else")
      return
    }
  }

  @Test func `a name that does not resolve is said`() async {
    let host = String(repeating: "x", count: 70) + ".invalid"
    #expect(await Self.error(HTTPRequest(url: "http://\(host)/?key=secret")) == .cannotResolve(host: host))
  }

  @Test func `a server that never answers is given up`() async throws {
    let server = try RawServer { peer in _ = peer.readToEnd() }
    let request = HTTPRequest(url: "http://127.0.0.1:\(server.port)/", timeoutSeconds: 0.2)
    #expect(await Self.error(request) == .timeout(host: "127.0.0.1:\(server.port)", phase: .answer, seconds: 0.2))
  }

  @Test func `an answer that is too large is cut off`() async throws {
    let server = try HTTPServer(handler: Echo())
    let request = HTTPRequest(
      method: "POST", url: "http://127.0.0.1:\(server.port)/", body: [UInt8](repeating: 1, count: 1_001))
    let error = await Self.error(request, .init(maxBodyBytes: 1_000))
    #expect(error == .tooLarge(host: "127.0.0.1:\(server.port)", limitBytes: 1_000))
    #expect(try await HTTPClient(.init(maxBodyBytes: 1_001)).send(request).status == 200)
  }

  @Test func `cancelling ends a request at once`() async throws {
    let (started, continuation) = AsyncStream<Void>.makeStream()
    let server = try RawServer { peer in
      _ = peer.readHead()
      continuation.yield()
      _ = peer.readToEnd()
    }
    let client = try HTTPClient()
    let url = "http://127.0.0.1:\(server.port)/"
    let time = try await Self.cancellations(started) {
      let result = await Self.result { () throws(TransportError) in try await client.send(HTTPRequest(url: url)) }
      #expect(result == .failure(.cancelled(host: "127.0.0.1:\(server.port)")))
    }
    #expect(time < .milliseconds(100))
  }

  /// How long `body` goes on after it is cancelled, the best of a few: the other tests want the processor too.
  static func cancellations(_ started: AsyncStream<Void>, _ body: @escaping @Sendable () async -> Void) async throws
    -> Duration
  {
    let clock = ContinuousClock()
    var best = Duration.seconds(1_000)
    for _ in 0..<10 where best >= .milliseconds(100) {
      let task = Task { await body() }
      for await _ in started { break }
      let start = clock.now
      task.cancel()
      await task.value
      best = min(best, clock.now - start)
    }
    return best
  }

  @Test func `a cancelled task sends nothing`() async throws {
    let client = try HTTPClient()
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return await Self.result { () throws(TransportError) in
        try await client.send(HTTPRequest(url: "http://127.0.0.1:1/"))
      }
    }
    #expect(await task.value == .failure(.cancelled(host: "127.0.0.1:1")))
  }

  static func result<T: Sendable>(_ body: () async throws(TransportError) -> T) async -> Result<T, TransportError> {
    do throws(TransportError) { return .success(try await body()) } catch { return .failure(error) }
  }

  @Test(arguments: ["", "http://", "ftp://x/", "http://a b/", "nonsense"])
  func `an unusable URL is said`(url: String) async {
    guard case .badURL = await Self.error(HTTPRequest(url: url)) else {
      Issue.record("\(url) is used")
      return
    }
  }

  @Test func `no message holds a secret`() async throws {
    let server = try RawServer { _ in }
    for url in [
      "http://user:secret@127.0.0.1:\(server.port)/?signature=secret", "ftp://u:secret@h/?secret",
      "http://127.0.0.1:1/?secret",
    ] {
      let error = await Self.error(HTTPRequest(url: url))
      #expect(error != nil)
      #expect(error?.description.contains("secret") == false)
    }
  }

  @Test(arguments: [
    HTTPHeader("A", "b\r\nC: d"), HTTPHeader("A B", "c"), HTTPHeader("", "c"), HTTPHeader("A", "\u{0}"),
  ])
  func `headers cannot smuggle lines`(header: HTTPHeader) async {
    #expect(
      await Self.error(HTTPRequest(url: "http://127.0.0.1:1/", headers: [header])) == .badHeader(name: header.name))
  }

  @Test func `an answer cut in the middle is an error`() async throws {
    let server = try HTTPServer(
      handler: Answering { _, reply in
        reply.send(ServerResponse(body: [UInt8](repeating: 7, count: 1_000), cutAfterBytes: 100))
      })
    guard case .failed(_, let reason) = await Self.error(HTTPRequest(url: "http://127.0.0.1:\(server.port)/")) else {
      Issue.record("no error")
      return
    }
    #expect(reason.contains("900"))
  }

  @Test func `a proxy is asked for the whole URL`() async throws {
    let proxy = try RawServer { peer in
      let line = peer.readHead().prefix { $0 != "\r\n" }
      peer.write("HTTP/1.1 200 OK\r\nContent-Length: \(line.utf8.count)\r\n\r\n\(line)")
    }
    let client = try HTTPClient(.init(proxy: "http://127.0.0.1:\(proxy.port)"))
    let answer = try await client.send(HTTPRequest(url: "http://venue.test/path"))
    #expect(String(decoding: answer.body, as: UTF8.self) == "GET http://venue.test/path HTTP/1.1")
  }

  @Test func `the user agent is ours`() async throws {
    let server = try HTTPServer(
      handler: Answering { request, reply in
        reply.send(ServerResponse(body: Array((request.header("USER-agent") ?? "none").utf8)))
      })
    let client = try HTTPClient(.init(userAgent: "agent/7"))
    let answer = try await client.send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/"))
    #expect(answer.body == Array("agent/7".utf8))
  }
}

/// Certificates as `Fixtures/make-certificates.sh` made them.
@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct TLSTests {
  private static func server(_ certificate: String, requestTimeoutSeconds: Double = 15) throws -> HTTPServer {
    let tls = HTTPServer.Options.TLS(
      certificateFile: HTTPClientTests.fixture(certificate + ".pem"),
      keyFile: HTTPClientTests.fixture(certificate + ".key"))
    return try HTTPServer(.init(tls: tls, requestTimeoutSeconds: requestTimeoutSeconds), handler: Echo())
  }

  private static let authority = HTTPClientTests.fixture("authority.pem")

  @Test func `answers and messages go over TLS`() async throws {
    let server = try Self.server("localhost")
    let body = [UInt8](repeating: 3, count: 1 << 20)
    let answer = try await HTTPClient(.init(caFile: Self.authority)).send(
      HTTPRequest(method: "POST", url: "https://localhost:\(server.port)/", body: body))
    #expect(answer.body == body)
    let client = try WebSocketClient(.init(caFile: Self.authority))
    let socket = try await client.connect(WebSocketRequest(url: "wss://localhost:\(server.port)/"))
    for _ in 0..<5 {
      try await socket.send(.binary(body))
      #expect(await socket.next()?.message == .binary(body))
    }
    socket.close()
    #expect(await socket.next() == nil)
    #expect(socket.closing?.code == 1000)
    await server.stop()
  }

  @Test(
    arguments: [
      ("localhost", "stranger.pem", "certificate"), ("localhost", nil, "certificate"),
      ("elsewhere", "authority.pem", "name"), ("expired", "authority.pem", "expired"),
    ] as [(String, String?, String)])
  func `a server that cannot prove its name is refused with the reason`(
    certificate: String, authority: String?, reason: String
  ) async throws {
    let server = try Self.server(certificate)
    let caFile = authority.map(HTTPClientTests.fixture)
    let answer = await HTTPClientTests.result { () throws(TransportError) in
      try await HTTPClient(.init(caFile: caFile)).send(HTTPRequest(url: "https://localhost:\(server.port)/"))
    }
    let socket = await HTTPClientTests.result { () throws(TransportError) in
      try await WebSocketClient(.init(caFile: caFile)).connect(.init(url: "wss://localhost:\(server.port)/"))
    }
    for case .failure(.tls(let host, let told)) in [answer.map { _ in }, socket.map { _ in }] {
      #expect(host == "localhost:\(server.port)")
      #expect(told.contains(reason))
    }
    #expect(throws: TransportError.self) { try answer.get() }
    #expect(throws: TransportError.self) { try socket.get() }
  }

  @Test func `certificate files that are missing are said`() throws {
    let tls = HTTPServer.Options.TLS(certificateFile: "/nowhere/a.pem", keyFile: "/nowhere/a.key")
    let error = #expect(throws: TransportError.self) { try HTTPServer(.init(tls: tls), handler: Echo()) }
    #expect(error?.description.contains("/nowhere/a.pem") == true)
  }

  @Test func `certificate files that hold none, or another's key, are said`() throws {
    for (certificate, key) in [("localhost.key", "localhost.key"), ("localhost.pem", "elsewhere.key")] {
      let tls = HTTPServer.Options.TLS(
        certificateFile: HTTPClientTests.fixture(certificate), keyFile: HTTPClientTests.fixture(key))
      let error = #expect(throws: TransportError.self) { try HTTPServer(.init(tls: tls), handler: Echo()) }
      #expect(error?.description.contains(key) == true)
    }
  }

  @Test func `who never finishes the handshake is left`() throws {
    let server = try Self.server("localhost", requestTimeoutSeconds: 0.1)
    let peer = try LoopbackPeer(port: server.port)
    // How a client's greeting begins.
    peer.write([0x16, 3, 1])
    #expect(peer.readToEnd().isEmpty)
    #expect(server.connections == 0)
  }

  @Test func `what is no TLS does not hold up the server`() async throws {
    let server = try Self.server("localhost")
    let peer = try LoopbackPeer(port: server.port)
    peer.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    _ = peer.readToEnd()
    let client = try HTTPClient(.init(caFile: Self.authority))
    #expect(try await client.send(HTTPRequest(url: "https://127.0.0.1:\(server.port)/")).status == 200)
  }
}
