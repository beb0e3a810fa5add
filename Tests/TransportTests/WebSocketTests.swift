import Glibc
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct WebSocketTests {
  private static func url(_ port: Int) -> String { "ws://127.0.0.1:\(port)/stream?x=1" }

  private static func text(_ text: String) -> WebSocketMessage { .text(Array(text.utf8)) }

  private static func failure(_ request: WebSocketRequest) async -> TransportError? {
    do throws(TransportError) {
      _ = try await WebSocketClient().connect(request)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    (Closing(code: 1001, reason: "", byPeer: true), "by the peer with code 1001"),
    (Closing(code: 1000, reason: "done", byPeer: false), "by us with code 1000 (done)"),
    (Closing(code: nil, reason: "the connection broke", byPeer: true), "the connection broke"),
  ])
  func `an end says who made it and why`(closing: Closing, text: String) {
    #expect("\(closing)" == text)
  }

  @Test func `the upgrade carries target and headers both ways`() async throws {
    let handler = Watching()
    let server = try HTTPServer(handler: handler)
    let client = try WebSocketClient()
    let socket = try await client.connect(.init(url: Self.url(server.port), headers: [HTTPHeader("X-Key", "k")]))
    let other = await handler.nextOpened()
    #expect(other?.target == "/stream?x=1")
    #expect(other?.path == "/stream")
    #expect(other?.header("x-KEY") == "k")
    #expect(socket.headers["upgrade"] == "websocket")
  }

  @Test(arguments: [false, true])
  func `messages of any size come back`(isCompressed: Bool) async throws {
    let server = try HTTPServer(.init(usesCompression: isCompressed), handler: Echo())
    let client = try WebSocketClient()
    let socket = try await client.connect(.init(url: Self.url(server.port), usesCompression: isCompressed))
    #expect(socket.isCompressed == isCompressed)
    for count in [0, 1, 125, 126, 65_535, 65_536, 1 << 20] {
      let text = WebSocketMessage.text((0..<count).map { UInt8(97 + $0 % 26) })
      let binary = WebSocketMessage.binary((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) })
      for message in [text, binary] {
        try await socket.send(message)
        #expect(await socket.next()?.message == message)
      }
    }
  }

  /// From how many sockets on a message is sent by all processors.
  private static let manyOrFew = [1, 1000]

  @Test(arguments: manyOrFew)
  func `one message for many reaches clients of each server, and names those that are gone`(many: Int) async throws {
    let (handler, client) = (Watching(), try WebSocketClient())
    let servers = try (0..<2).map { _ in try HTTPServer(.init(broadcastSockets: many), handler: handler) }
    var (clients, sockets): ([WebSocket], [ServerSocket]) = ([], [])
    for server in servers + servers {
      clients.append(try await client.connect(.init(url: Self.url(server.port))))
      sockets.append(try #require(await handler.nextOpened()))
    }
    sockets[0].abort()
    _ = await handler.nextClosed()
    let refusing = ServerSocket.send(Self.text("to all"), to: sockets)
    #expect(refusing.count == 1 && refusing.first === sockets[0])
    for client in clients.dropFirst() { #expect(await client.next()?.message == Self.text("to all")) }
    for server in servers { await server.stop() }
  }

  @Test(arguments: manyOrFew)
  func `one message for many is compressed for those that want it so`(many: Int) async throws {
    let (handler, client) = (Watching(), try WebSocketClient())
    let server = try HTTPServer(.init(usesCompression: true, broadcastSockets: many), handler: handler)
    var (clients, sockets): ([WebSocket], [ServerSocket]) = ([], [])
    for isCompressed in [true, false, true] {
      clients.append(try await client.connect(.init(url: Self.url(server.port), usesCompression: isCompressed)))
      sockets.append(try #require(await handler.nextOpened()))
    }
    #expect(clients.map(\.isCompressed) == [true, false, true])
    for text in ["to all", String(repeating: "again ", count: 1000)] {
      #expect(ServerSocket.send(Self.text(text), to: sockets).isEmpty)
      for client in clients { #expect(await client.next()?.message == Self.text(text)) }
    }
  }

  @Test(arguments: manyOrFew)
  func `messages for one and for many come in the order in which they were sent`(many: Int) async throws {
    let (handler, client) = (Watching(), try WebSocketClient())
    let server = try HTTPServer(.init(broadcastSockets: many), handler: handler)
    var (clients, sockets): ([WebSocket], [ServerSocket]) = ([], [])
    for _ in 0..<2 {
      clients.append(try await client.connect(.init(url: Self.url(server.port))))
      sockets.append(try #require(await handler.nextOpened()))
    }
    let numbers = 0..<300
    for number in numbers {
      if number % 3 == 0 { sockets[0].send(Self.text("\(number)")) }
      #expect(ServerSocket.send(Self.text("\(number) to all"), to: sockets).isEmpty)
    }
    for (place, client) in clients.enumerated() {
      for number in numbers {
        if place == 0, number % 3 == 0 { #expect(await client.next()?.message == Self.text("\(number)")) }
        #expect(await client.next()?.message == Self.text("\(number) to all"))
      }
    }
  }

  @Test(arguments: manyOrFew)
  func `messages for many wait for who reads late, whole and in order, and for nobody else`(many: Int) async throws {
    let (handler, client) = (Watching(), try WebSocketClient())
    let server = try HTTPServer(.init(broadcastSockets: many), handler: handler)
    let late = try LoopbackPeer(port: server.port)
    _ = late.upgrade()
    var sockets = [try #require(await handler.nextOpened())]
    let reader = try await client.connect(.init(url: Self.url(server.port)))
    sockets.append(try #require(await handler.nextOpened()))
    let messages = (0..<60).map { [UInt8](repeating: $0, count: 60_000) }
    for bytes in messages {
      #expect(ServerSocket.send(.binary(bytes), to: sockets).isEmpty)
      #expect(await reader.next()?.message == .binary(bytes))
    }
    #expect(sockets[0].unsentMessages > 0)
    try await DedicatedThread.run {
      for bytes in messages {
        #expect(late.read(4) == [0x82, 126, 0xEA, 0x60])
        #expect(late.read(60_000) == bytes)
      }
    }
  }

  @Test func `the server need not compress`() async throws {
    let server = try HTTPServer(handler: Echo())
    let socket = try await WebSocketClient().connect(.init(url: Self.url(server.port), usesCompression: true))
    #expect(!socket.isCompressed)
    try await socket.send(Self.text("plain"))
    #expect(await socket.next()?.message == Self.text("plain"))
  }

  @Test(arguments: [1000, 1001, 1008, 1012, 1013, 4001] as [UInt16])
  func `close codes arrive as they are sent, from the client`(code: UInt16) async throws {
    let handler = Watching()
    let server = try HTTPServer(handler: handler)
    let socket = try await WebSocketClient().connect(.init(url: Self.url(server.port)))
    socket.close(code: code, reason: "why")
    #expect(await socket.next() == nil)
    #expect(socket.closing == Closing(code: code, reason: "why", byPeer: false))
    #expect(await handler.nextClosed()?.closing == Closing(code: code, reason: "why", byPeer: true))
  }

  @Test(arguments: [1000, 1001, 1008, 1012, 1013, 4001] as [UInt16])
  func `close codes arrive as they are sent, from the server`(code: UInt16) async throws {
    let handler = Watching()
    let server = try HTTPServer(handler: handler)
    let socket = try await WebSocketClient().connect(.init(url: Self.url(server.port)))
    let other = await handler.nextOpened()
    other?.send(Self.text("last"))
    other?.close(code: code, reason: "why")
    #expect(await socket.next()?.message == Self.text("last"))
    #expect(await socket.next() == nil)
    #expect(socket.closing == Closing(code: code, reason: "why", byPeer: true))
    #expect(await handler.nextClosed()?.closing == Closing(code: code, reason: "why", byPeer: false))
    await #expect(throws: TransportError.closed(host: "127.0.0.1:\(server.port)")) { try await socket.send(.text([])) }
  }

  @Test func `a dropped connection has no code`() async throws {
    let handler = Watching()
    let server = try HTTPServer(handler: handler)
    let socket = try await WebSocketClient().connect(.init(url: Self.url(server.port)))
    await handler.nextOpened()?.abort()
    #expect(await socket.next() == nil)
    #expect(socket.closing?.code == nil)
    #expect(socket.closing?.byPeer == true)
  }

  @Test func `a client that vanishes is noticed`() async throws {
    let handler = Watching()
    let server = try HTTPServer(handler: handler)
    do {
      let peer = try LoopbackPeer(port: server.port)
      _ = peer.upgrade()
    }
    #expect(await handler.nextClosed()?.closing == Closing(code: nil, reason: "the connection broke", byPeer: true))
  }

  @Test func `fragments become one message and a ping between them is answered with its payload`() async throws {
    let (pongs, continuation) = AsyncStream<[UInt8]>.makeStream()
    let server = try RawServer.webSocket { peer in
      peer.write([0x01, 0x03] + Array("abc".utf8))
      peer.write([0x89, 0x02, 7, 9])
      peer.write([0x00, 0x00])
      peer.write([0x80, 0x03] + Array("def".utf8))
      // Masked: two bytes of header, four of mask.
      let pong = peer.read(8)
      continuation.yield([pong[0]] + zip(pong[6...], pong[2...]).map { $0 ^ $1 })
      _ = peer.readToEnd()
    }
    let socket = try await WebSocketClient().connect(.init(url: Self.url(server.port)))
    #expect(await socket.next()?.message == Self.text("abcdef"))
    for await pong in pongs {
      #expect(pong == [0x8A, 7, 9])
      break
    }
    #expect(socket.heartbeats.pingsReceived == 1)
  }

  @Test func `the server answers pings and joins fragments too`() throws {
    let server = try HTTPServer(handler: Echo())
    let peer = try LoopbackPeer(port: server.port)
    #expect(peer.upgrade().contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
    peer.write([0x01, 0x81, 0, 0, 0, 0, 65])
    peer.write(.ping, [1, 2, 3])
    peer.write(.continuation, [66])
    let frames = [peer.readFrame(), peer.readFrame()]
    #expect(frames.contains { $0?.opcode == 10 && $0?.payload == [1, 2, 3] })
    #expect(frames.contains { $0?.opcode == 1 && $0?.payload == [65, 66] })
  }

  @Test(
    arguments: [
      ([0x81, 0x01, 65], 1002), ([0x83, 0x80, 0, 0, 0, 0], 1002), ([0xC1, 0x80, 0, 0, 0, 0], 1002),
      ([0x81, 0x81, 0, 0, 0, 0, 0xFF], 1007), ([0x82, 0xFF, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], 1009),
    ] as [([UInt8], Int)])
  func `the server closes what breaks the protocol with its code`(bytes: [UInt8], code: Int) throws {
    let server = try HTTPServer(handler: Echo())
    let peer = try LoopbackPeer(port: server.port)
    _ = peer.upgrade()
    peer.write(bytes)
    #expect(peer.readCloseCode() == code)
    #expect(peer.readToEnd().isEmpty)
  }

  @Test(
    arguments: [
      ([0x81, 0x81, 0, 0, 0, 0, 65], 1002), ([0x81, 0x01, 0xFF], 1007), ([0x82, 0x7E, 0x10, 0], 1009),
      ([0x13, 0x37, 0x13, 0x37], 1002),
    ] as [([UInt8], UInt16)])
  func `the client closes what breaks the protocol with its code`(bytes: [UInt8], code: UInt16) async throws {
    let (codes, continuation) = AsyncStream<UInt16>.makeStream()
    let server = try RawServer.webSocket { peer in
      peer.write(bytes)
      let frame = peer.read(8)
      continuation.yield(UInt16(frame[6] ^ frame[2]) << 8 | UInt16(frame[7] ^ frame[3]))
    }
    let socket = try await WebSocketClient().connect(.init(url: Self.url(server.port), maxMessageBytes: 1_000))
    #expect(await socket.next() == nil)
    #expect(socket.closing?.code == code)
    #expect(socket.closing?.byPeer == false)
    for await sent in codes {
      #expect(sent == code)
      break
    }
  }

  @Test func `frames that come with the upgrade are not lost`() async throws {
    let server = try RawServer { peer in
      let key = peer.readHead().split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Key: ") }
      let accept = Handshake.accept(String(key?.dropFirst(19) ?? ""))
      peer.write(
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: \(accept)\r\n\r\n\u{1}\u{1}a"
      )
      peer.write([0x80, 0x01, 98])
      _ = peer.readToEnd()
    }
    let socket = try await WebSocketClient().connect(.init(url: Self.url(server.port)))
    #expect(await socket.next()?.message == Self.text("ab"))
  }

  // MARK: connecting

  @Test func `a refused upgrade tells the status`() async throws {
    let server = try HTTPServer(handler: Echo())
    let request = WebSocketRequest(url: "ws://127.0.0.1:\(server.port)/refused")
    #expect(
      await Self.failure(request)
        == .upgradeRefused(host: "127.0.0.1:\(server.port)", status: 403, reason: "Forbidden"))
  }

  @Test(arguments: [
    "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
    "HTTP/1.1 101 x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "SSH-2.0-x\r\n\r\n",
    "\r\n\r\n", "", "HTTP/1.1 101 x\r\n",
  ])
  func `an answer that is no upgrade is refused`(answer: String) async throws {
    let server = try RawServer { peer in
      _ = peer.readHead()
      peer.write(answer)
    }
    guard case .upgradeRefused = await Self.failure(.init(url: Self.url(server.port))) else {
      Issue.record("\(answer) is taken")
      return
    }
  }

  @Test func `an answer without end is cut off`() async throws {
    let server = try RawServer { peer in while peer.write([UInt8](repeating: 65, count: 10_000)) {} }
    guard case .upgradeRefused = await Self.failure(.init(url: Self.url(server.port))) else {
      Issue.record("it is taken")
      return
    }
  }

  @Test func `a server that accepts and never answers is given up`() async throws {
    let server = try RawServer { peer in _ = peer.readToEnd() }
    #expect(
      await Self.failure(.init(url: Self.url(server.port), connectTimeoutSeconds: 0.2))
        == .timeout(host: "127.0.0.1:\(server.port)", phase: .upgrade, seconds: 0.2))
  }

  @Test func `nobody listening, no such name and no such scheme are said`() async {
    guard case .cannotConnect("127.0.0.1:1", _) = await Self.failure(.init(url: "ws://127.0.0.1:1/")) else {
      Issue.record("port 1 answers")
      return
    }
    let host = String(repeating: "x", count: 70) + ".invalid"
    #expect(await Self.failure(.init(url: "wss://\(host)/?secret")) == .cannotResolve(host: host))
    guard case .badURL("http://a/", _) = await Self.failure(.init(url: "http://a/?secret")) else {
      Issue.record("http is taken")
      return
    }
  }

  @Test func `cancelling a connect ends it at once`() async throws {
    let (started, continuation) = AsyncStream<Void>.makeStream()
    let server = try RawServer { peer in
      _ = peer.readHead()
      continuation.yield()
      _ = peer.readToEnd()
    }
    let time = try await HTTPClientTests.cancellations(started) {
      #expect(await Self.failure(.init(url: Self.url(server.port))) == .cancelled(host: "127.0.0.1:\(server.port)"))
    }
    #expect(time < .milliseconds(100))
  }

  @Test func `a proxy is asked for a tunnel`() async throws {
    let (requests, continuation) = AsyncStream<String>.makeStream()
    let proxy = try RawServer { peer in
      continuation.yield(peer.readHead())
      peer.write("HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n")
    }
    let client = try WebSocketClient(.init(proxy: "http://127.0.0.1:\(proxy.port)"))
    await #expect(throws: TransportError.self) { try await client.connect(.init(url: "ws://venue.test:81/")) }
    for await request in requests {
      #expect(request.hasPrefix("CONNECT venue.test:81 HTTP/1.1\r\n"))
      break
    }
  }

  // MARK: time

  @Test func `a silent peer is pinged and then left`() async throws {
    let server = try RawServer.webSocket { peer in _ = peer.readToEnd() }
    let socket = try await WebSocketClient().connect(.init(url: Self.url(server.port), pingIntervalSeconds: 0.1))
    #expect(await socket.next() == nil)
    #expect(socket.closing == Closing(code: nil, reason: "no byte within 0.1 s of a ping", byPeer: false))
    #expect(socket.heartbeats.pingsSent == 1)
  }

  @Test func `a peer that answers pings stays`() async throws {
    let server = try HTTPServer(handler: Echo())
    let socket = try await WebSocketClient().connect(.init(url: Self.url(server.port), pingIntervalSeconds: 0.05))
    while socket.heartbeats.pongsReceived < 3 { try await Task.sleep(for: .milliseconds(10)) }
    #expect(socket.closing == nil)
  }

  @Test func `the server leaves clients that do not answer its pings`() async throws {
    let handler = Watching()
    let server = try HTTPServer(.init(pingIntervalSeconds: 0.3), handler: handler)
    let peer = try LoopbackPeer(port: server.port)
    _ = peer.upgrade()
    #expect(await handler.nextClosed()?.closing?.reason == "no byte within 0.3 s of a ping")
    #expect(peer.readFrame()?.opcode == 9)
    #expect(peer.readToEnd().isEmpty)
  }

  @Test func `a peer that never answers a close is left`() async throws {
    let server = try RawServer.webSocket { peer in
      _ = peer.read(8)
      while peer.write([0x82, 0x00]) { usleep(10_000) }
    }
    let socket = try await WebSocketClient().connect(.init(url: Self.url(server.port)))
    socket.close(code: 1001, reason: "")
    while await socket.next() != nil {}
    #expect(socket.closing == Closing(code: 1001, reason: "", byPeer: false))
  }

  // MARK: too much

  @Test func `who lags loses the oldest and is told how many`() async throws {
    let handler = Watching()
    let server = try HTTPServer(handler: handler)
    let socket = try await WebSocketClient().connect(.init(url: Self.url(server.port), bufferedMessages: 10))
    let other = await handler.nextOpened()
    #expect(other != nil)
    for index in 0..<25 { #expect(other?.send(Self.text("\(index)")) == true) }
    while socket.droppedMessages < 15 { try await Task.sleep(for: .milliseconds(5)) }
    let first = await socket.next()
    #expect(first?.message == Self.text("15"))
    #expect(first?.lostBefore == 15)
    #expect(await socket.next()?.lostBefore == 0)
    for index in 17..<25 { #expect(await socket.next()?.message == Self.text("\(index)")) }
    #expect(socket.droppedMessages == 15)
  }

  @Test func `what is buffered is bounded in bytes too`() async throws {
    let handler = Watching()
    let server = try HTTPServer(handler: handler)
    let socket = try await WebSocketClient().connect(.init(url: Self.url(server.port), bufferedBytes: 2_500))
    let other = await handler.nextOpened()
    for index in 0..<10 { other?.send(.binary([UInt8](repeating: UInt8(index), count: 1_000))) }
    while socket.droppedMessages < 8 { try await Task.sleep(for: .milliseconds(5)) }
    #expect(await socket.next()?.lostBefore == 8)
  }

  @Test func `what was received before the end is still delivered`() async throws {
    let handler = Watching()
    let server = try HTTPServer(handler: handler)
    let socket = try await WebSocketClient().connect(.init(url: Self.url(server.port)))
    let other = await handler.nextOpened()
    for index in 0..<5 { other?.send(Self.text("\(index)")) }
    other?.close()
    while socket.closing == nil { try await Task.sleep(for: .milliseconds(5)) }
    for index in 0..<5 { #expect(await socket.next()?.message == Self.text("\(index)")) }
    #expect(await socket.next() == nil)
  }

  @Test func `a client that does not read costs a bounded queue`() async throws {
    let handler = Watching()
    let server = try HTTPServer(.init(unsentMessages: 50), handler: handler)
    let peer = try LoopbackPeer(port: server.port)
    _ = peer.upgrade()
    let other = await handler.nextOpened()
    var queued = 0
    let message = WebSocketMessage.binary([UInt8](repeating: 1, count: 10_000))
    while other?.send(message) == true {
      queued += 1
      // The kernel takes some of them first.
      if queued % 20 == 0 { try await Task.sleep(for: .milliseconds(1)) }
      guard queued < 10_000 else { break }
    }
    #expect(queued < 10_000)
    #expect(other?.unsentMessages == 50)
    let expected = queued
    let received = try await DedicatedThread.run { () -> Int in
      var count = 0
      while count < expected, peer.read(4).count == 4, peer.read(10_000).count == 10_000 { count += 1 }
      return count
    }
    #expect(received == expected)
  }

  @Test func `a sender waits for a peer that does not read`() async throws {
    let (mayRead, continuation) = AsyncStream<Void>.makeStream()
    let gate = Mutex(false)
    let server = try RawServer.webSocket { peer in
      while !gate.withLock({ $0 }) { usleep(1_000) }
      while !peer.readSome().isEmpty {}
    }
    let socket = try await WebSocketClient().connect(.init(url: Self.url(server.port), unsentBytes: 1 << 20))
    let sent = Atomic(0)
    async let sending: Void = {
      for _ in 0..<40 {
        try await socket.send(.binary([UInt8](repeating: 1, count: 1 << 20)))
        sent.add(1, ordering: .relaxed)
      }
      continuation.yield()
    }()
    try await Task.sleep(for: .milliseconds(300))
    let before = sent.load(ordering: .relaxed)
    #expect(before < 40)
    gate.withLock { $0 = true }
    try await sending
    for await _ in mayRead { break }
    #expect(sent.load(ordering: .relaxed) == 40)
  }

  @Test func `waiting for a message can be cancelled`() async throws {
    let server = try HTTPServer(handler: Echo())
    let socket = try await WebSocketClient().connect(.init(url: Self.url(server.port)))
    let task = Task { await socket.next() }
    try await Task.sleep(for: .milliseconds(5))
    task.cancel()
    #expect(await task.value == nil)
    try await socket.send(Self.text("still here"))
    #expect(await socket.next()?.message == Self.text("still here"))
  }

  @Test func `a stopped client ends its sockets`() async throws {
    let server = try HTTPServer(handler: Echo())
    let client = try WebSocketClient()
    let socket = try await client.connect(.init(url: Self.url(server.port)))
    client.stop()
    #expect(await socket.next() == nil)
    #expect(socket.closing?.code == nil)
    await #expect(throws: TransportError.self) { try await client.connect(.init(url: Self.url(server.port))) }
  }

  @Test func `a socket that is forgotten is closed`() async throws {
    let handler = Watching()
    let server = try HTTPServer(handler: handler)
    do { _ = try await WebSocketClient().connect(.init(url: Self.url(server.port))) }
    #expect(await handler.nextClosed()?.closing?.byPeer == true)
  }

  @Test func `many sockets share one client`() async throws {
    let server = try HTTPServer(handler: Echo())
    let client = try WebSocketClient()
    let request = WebSocketRequest(url: Self.url(server.port))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<100 {
        group.addTask {
          let socket = try await client.connect(request)
          for turn in 0..<10 {
            try await socket.send(Self.text("\(index) \(turn)"))
            #expect(await socket.next()?.message == Self.text("\(index) \(turn)"))
          }
          socket.close()
          #expect(await socket.next() == nil)
        }
      }
      try await group.waitForAll()
    }
  }

  /// In a process of its own, because other tests open descriptors.
  @Test func `two hundred reconnects leave no memory and no descriptors behind`() async {
    await #expect(processExitsWith: .success) {
      let server = try HTTPServer(handler: Echo())
      let client = try WebSocketClient()
      func turn() async throws {
        let socket = try await client.connect(.init(url: "ws://127.0.0.1:\(server.port)/", usesCompression: true))
        try await socket.send(.text([65]))
        #expect(await socket.next()?.message == .text([65]))
        socket.close()
        #expect(await socket.next() == nil)
      }
      for _ in 0..<50 { try await turn() }
      while server.connections > 0 { try await Task.sleep(for: .milliseconds(5)) }
      let (memory, descriptors) = (Process.residentKilobytes(), Process.descriptors())
      for _ in 0..<200 { try await turn() }
      while server.connections > 0 { try await Task.sleep(for: .milliseconds(5)) }
      // One compressed socket that stayed would be 300 KB.
      #expect(Process.residentKilobytes() - memory < 6_000)
      // libcurl closes some that are over when it makes others; one that stayed at each turn would be two hundred.
      #expect(Process.descriptors() < descriptors + 150)
    }
  }
}

private enum Process {
  static func descriptors() -> Int {
    guard let folder = opendir("/proc/self/fd") else { return 0 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count
  }

  static func residentKilobytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var (size, pages) = (0, 0)
    withUnsafeMutablePointer(to: &size) { size in
      withUnsafeMutablePointer(to: &pages) { pages in
        _ = withVaList([size, pages]) { vfscanf(file, "%ld %ld", $0) }
      }
    }
    return pages * 4
  }
}
