import Glibc
import Market
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct HTTPServerTests {
  private static let get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"

  private static func answers(_ text: String, _ options: HTTPServer.Options = .init()) throws -> String {
    let server = try HTTPServer(options, handler: Echo())
    let peer = try LoopbackPeer(port: server.port)
    peer.write(text)
    peer.endWriting()
    return String(decoding: peer.readToEnd(), as: UTF8.self)
  }

  @Test func `it listens on loopback only`() throws {
    let server = try HTTPServer(handler: Echo())
    // 127.0.0.2 is this machine too, but not where it listens.
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = LoopbackPeer.address(server.port)
    address.sin_addr.s_addr = UInt32(0x7F00_0002).bigEndian
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    #expect(status == -1)
  }

  @Test func `two servers have two free ports`() throws {
    let first = try HTTPServer(handler: Echo())
    let second = try HTTPServer(handler: Echo())
    #expect(first.port != second.port)
    #expect(first.port > 0)
  }

  @Test func `a taken port is said`() throws {
    let first = try HTTPServer(handler: Echo())
    let error = #expect(throws: TransportError.self) { try HTTPServer(.init(port: first.port), handler: Echo()) }
    #expect(error == .portTaken(host: "127.0.0.1", port: first.port))
    #expect(error?.description.contains("127.0.0.1:\(first.port)") == true)
  }

  @Test(arguments: [("203.0.113.1", 0), ("localhost.", 0), ("127.0.0.1", 70_000), ("127.0.0.1", -1)])
  func `an address that cannot be used is said`(host: String, port: Int) {
    let error = #expect(throws: TransportError.self) { try HTTPServer(.init(host: host, port: port), handler: Echo()) }
    #expect(error?.description.hasPrefix("\(host):\(port): cannot listen") == true)
  }

  @Test func `it serves on IPv6 and everywhere if asked`() async throws {
    for (host, url) in [("::1", "[::1]"), ("0.0.0.0", "127.0.0.1")] {
      let server = try HTTPServer(.init(host: host), handler: Echo())
      let answer = try await HTTPClient().send(HTTPRequest(url: "http://\(url):\(server.port)/"))
      #expect(answer.status == 200)
      await server.stop()
    }
  }

  @Test(arguments: [
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n", 413),
    ("GET / HTTP/1.1\r\n\r\n", 400), ("garbage\r\n\r\n", 400), ("\u{16}\u{3}\u{1}\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 20_000))\r\n\r\n", 431),
    ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 400),
    (
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", 426
    ),
    (
      "GET /refused HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", 403
    ),
  ])
  func `what cannot be served is refused with its status, and the connection ends`(text: String, status: Int) throws {
    let answer = try Self.answers(text)
    #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
    #expect(answer.contains("\r\nConnection: close\r\n"))
  }

  @Test func `a body that is too large is refused before it is read`() async throws {
    let server = try HTTPServer(.init(maxBodyBytes: 1_000), handler: Echo())
    let answer = try await HTTPClient().send(
      HTTPRequest(method: "POST", url: "http://127.0.0.1:\(server.port)/", body: [UInt8](repeating: 0, count: 1 << 20)))
    #expect(answer.status == 413)
  }

  /// Says what was asked for, and this one from elsewhere.
  private static let late = Answering { request, reply in
    guard request.path == "/late" else { return reply.send(ServerResponse(body: Array(request.target.utf8))) }
    Task { reply.send(ServerResponse(body: Array("late".utf8))) }
  }

  @Test func `pipelined requests are answered in order, late answers too`() async throws {
    let server = try HTTPServer(handler: Self.late)
    let peer = try LoopbackPeer(port: server.port)
    peer.write(
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /late HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    )
    let bodies = String(decoding: try await DedicatedThread.run { peer.readToEnd() }, as: UTF8.self)
      .split(separator: "HTTP/1.1 200 OK").map { $0.split(separator: "\r\n\r\n").last.map(String.init) }
    #expect(bodies == ["/1", "late", "/3"])
  }

  @Test(arguments: ["", "GET /cut HTTP/1.1\r\nHo"])
  func `who says no more after its requests is answered all the same`(rest: String) async throws {
    let server = try HTTPServer(handler: Self.late)
    let peer = try LoopbackPeer(port: server.port)
    peer.write("GET /late HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n" + rest)
    peer.endWriting()
    let bodies = String(decoding: try await DedicatedThread.run { peer.readToEnd() }, as: UTF8.self)
      .split(separator: "HTTP/1.1 200 OK").map { $0.split(separator: "\r\n\r\n").last.map(String.init) }
    #expect(bodies == ["late", "/2"])
    await server.stop()
  }

  @Test(arguments: [1, 7, 30])
  func `who ends in the middle of a head is left at once, in however many pieces it came`(piece: Int) async throws {
    let server = try HTTPServer(.init(idleTimeoutSeconds: 3600, requestTimeoutSeconds: 3600), handler: Echo())
    let head = Array("GET /cut HTTP/1.1\r\nHost: a".utf8)
    let rest = try await DedicatedThread.run { () throws -> [UInt8] in
      let peer = try LoopbackPeer(port: server.port)
      for start in stride(from: 0, to: head.count, by: piece) {
        peer.write(Array(head[start..<min(start + piece, head.count)]))
      }
      peer.endWriting()
      return peer.readToEnd()
    }
    #expect(rest == [])
    while server.connections > 0 { try await Task.sleep(for: .milliseconds(5)) }
  }

  @Test func `a long answer reaches who says no more`() async throws {
    let body = [UInt8](repeating: 7, count: 20 << 20)
    let server = try HTTPServer(handler: Answering { _, reply in reply.send(ServerResponse(body: body)) })
    let peer = try LoopbackPeer(port: server.port)
    peer.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    peer.endWriting()
    let answer = try await DedicatedThread.run { peer.readToEnd() }
    #expect(answer.suffix(body.count).elementsEqual(body))
    await server.stop()
  }

  @Test func `a request that nobody answers is answered with 500`() async throws {
    let server = try HTTPServer(handler: Answering { _, _ in })
    #expect(try await HTTPClient().send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/")).status == 500)
  }

  @Test func `what is said of a request that nobody answers is the handler's`() async throws {
    let server = try HTTPServer(handler: Dropping())
    let answer = try await HTTPClient().send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/"))
    #expect(answer.status == 500)
    #expect(String(decoding: answer.body, as: UTF8.self) == "in the handler's words: 500")
  }

  @Test func `only the first answer counts`() async throws {
    let server = try HTTPServer(
      handler: Answering { _, reply in
        reply.send(ServerResponse(status: 201))
        reply.send(ServerResponse(status: 202))
      })
    let client = try HTTPClient()
    for _ in 0..<2 {
      #expect(try await client.send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/")).status == 201)
    }
  }

  @Test func `a large answer comes whole to a client that reads slowly`() async throws {
    let body = (0..<8 << 20).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let server = try HTTPServer(handler: Answering { _, reply in reply.send(ServerResponse(body: body)) })
    let peer = try LoopbackPeer(port: server.port)
    peer.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    let received = try await DedicatedThread.run { () -> [UInt8] in
      _ = peer.readHead()
      usleep(50_000)
      return peer.readToEnd()
    }
    #expect(received == body)
  }

  @Test func `a cut answer promises all and gives a part`() throws {
    let server = try HTTPServer(
      handler: Answering { _, reply in reply.send(ServerResponse(body: Array("0123456789".utf8), cutAfterBytes: 4)) })
    let peer = try LoopbackPeer(port: server.port)
    peer.write(Self.get)
    let answer = String(decoding: peer.readToEnd(), as: UTF8.self)
    #expect(answer.contains("\r\nContent-Length: 10\r\n"))
    #expect(answer.hasSuffix("\r\n\r\n0123"))
  }

  @Test func `a body is asked for when the client waits for it`() throws {
    let server = try HTTPServer(handler: Echo())
    let peer = try LoopbackPeer(port: server.port)
    peer.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    #expect(peer.readHead() == "HTTP/1.1 100 Continue\r\n\r\n")
    peer.write("ok")
    #expect(peer.readHead().hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(peer.read(2) == Array("ok".utf8))
  }

  @Test func `a request that comes byte by byte is read`() throws {
    let server = try HTTPServer(handler: Echo())
    let peer = try LoopbackPeer(port: server.port)
    for byte in "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc".utf8 { peer.write([byte]) }
    #expect(peer.readHead().contains("X-Target: /slow\r\n"))
    #expect(peer.read(3) == Array("abc".utf8))
  }

  @Test func `who sends a request too slowly is told so and dropped`() async throws {
    let server = try HTTPServer(.init(requestTimeoutSeconds: 0.3), handler: Echo())
    for text in ["GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na"] {
      let answer = try await DedicatedThread.run { () throws -> [UInt8] in
        let peer = try LoopbackPeer(port: server.port)
        peer.write(text)
        return peer.readToEnd()
      }
      #expect(String(decoding: answer, as: UTF8.self).hasPrefix("HTTP/1.1 408 "))
    }
  }

  @Test func `who says nothing for long is dropped`() async throws {
    let server = try HTTPServer(.init(idleTimeoutSeconds: 0.3), handler: Echo())
    let rest = try await DedicatedThread.run { () throws -> [UInt8] in
      let peer = try LoopbackPeer(port: server.port)
      peer.write(Self.get)
      _ = peer.readHead()
      return peer.readToEnd()
    }
    #expect(rest.isEmpty)
    #expect(server.connections == 0)
  }

  @Test func `connections beyond the limit are dropped, the others served`() async throws {
    let server = try HTTPServer(.init(maxConnections: 2), handler: Echo())
    let first = try LoopbackPeer(port: server.port)
    let second = try LoopbackPeer(port: server.port)
    for peer in [first, second] {
      peer.write(Self.get)
      #expect(peer.readHead().hasPrefix("HTTP/1.1 200 "))
    }
    #expect(try LoopbackPeer(port: server.port).readToEnd().isEmpty)
    first.write(Self.get)
    #expect(first.readHead().hasPrefix("HTTP/1.1 200 "))
  }

  @Test(arguments: Soak.seeds(10))
  func `garbage does not hurt the others`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let server = try HTTPServer(handler: Echo())
    for _ in 0..<20 {
      let peer = try LoopbackPeer(port: server.port)
      if Bool.random(using: &random) { _ = peer.upgrade() }
      peer.write(
        (0..<Int.random(in: 1...2_000, using: &random)).map { _ in UInt8.random(in: .min ... .max, using: &random) })
      if Bool.random(using: &random) {
        peer.endWriting()
        _ = peer.readToEnd()
      }
    }
    let peer = try LoopbackPeer(port: server.port)
    peer.write(Self.get)
    #expect(peer.readHead().hasPrefix("HTTP/1.1 200 "))
  }

  @Test func `it stops while it is busy`() async throws {
    let server = try HTTPServer(handler: Echo())
    let client = try HTTPClient()
    let sockets = try WebSocketClient()
    let url = "http://127.0.0.1:\(server.port)/"
    let socket = try await sockets.connect(.init(url: "ws://127.0.0.1:\(server.port)/"))
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask { while (try? await client.send(HTTPRequest(url: url))) != nil {} }
      }
      group.addTask { while (try? await socket.send(.text([65]))) != nil {} }
      group.addTask {
        for _ in 0..<100 { _ = await socket.next() }
        await server.stop()
      }
      await group.waitForAll()
    }
    while await socket.next() != nil {}
    #expect(socket.closing == Closing(code: 1001, reason: "the server stops", byPeer: true))
    await server.stop()
  }

  @Test func `its port is free again when it has stopped`() async throws {
    // Now and then another test gets it at once.
    for _ in 0..<20 {
      let first = try HTTPServer(handler: Echo())
      _ = try await HTTPClient().send(HTTPRequest(url: "http://127.0.0.1:\(first.port)/"))
      await first.stop()
      guard let second = try? HTTPServer(.init(port: first.port), handler: Echo()) else { continue }
      return #expect(second.port == first.port)
    }
    Issue.record("of twenty ports none was free again")
  }

  private struct Remembered { weak var handler: Watching? }

  private static func handlerOfStoppedServer() async throws -> Remembered {
    let handler = Watching()
    let server = try HTTPServer(handler: handler)
    let socket = try await WebSocketClient().connect(.init(url: "ws://127.0.0.1:\(server.port)/"))
    await server.stop()
    while await socket.next() != nil {}
    // Its stream still holds the server's side of the socket.
    return Remembered(handler: handler)
  }

  @Test func `a stopped server lets go of a handler that keeps sockets`() async throws {
    #expect(try await Self.handlerOfStoppedServer().handler == nil)
  }
}
