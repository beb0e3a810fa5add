import Market
import Operations
import Serving
import TestSupport
import Testing
import Transport

@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct HubTests {
  private static let ether = Symbol("ETHUSDT")!

  private func told(_ type: String, _ symbol: Symbol?, _ sequence: Int, _ n: Int) -> Told {
    Told(type: type, symbol: symbol?.name, sequence: sequence, data: .init(n: n))
  }

  @Test func `who joins is told the newest of everything and then what happens`() async throws {
    let hub = Hub()
    let ask = try Asking([], hub: hub)
    hub.publish(.candles, of: .btcusdt, ["n": 1])
    hub.publish(.candles, of: .btcusdt, ["n": 2])
    let socket = try await ask.socket()
    #expect(try await socket.told() == told("candles", .btcusdt, 2, 2))
    hub.publish(.candles, of: .btcusdt, ["n": 3])
    #expect(try await socket.told() == told("candles", .btcusdt, 3, 3))
  }

  @Test func `of one symbol the newest of each key is kept, in order`() async throws {
    let hub = Hub()
    let ask = try Asking([], hub: hub)
    hub.publish(.predictions, of: .btcusdt, key: "window-15m", ["n": 1])
    hub.publish(.predictions, of: .btcusdt, key: "window-5m", ["n": 2])
    hub.publish(.predictions, of: .btcusdt, key: "window-15m", ["n": 3])
    let socket = try await ask.socket()
    #expect(try await socket.told() == told("predictions", .btcusdt, 2, 2))
    #expect(try await socket.told() == told("predictions", .btcusdt, 3, 3))
  }

  @Test func `nobody is told what he did not ask for`() async throws {
    let hub = Hub()
    let ask = try Asking([], hub: hub)
    let socket = try await ask.socket("/ws?topics=candles,health&symbols=ETHUSDT")
    hub.publish(.health, of: nil, ["n": 0])
    #expect(try await socket.told() == told("health", nil, 1, 0))
    hub.publish(.candles, of: .btcusdt, ["n": 1])
    hub.publish(.predictions, of: Self.ether, ["n": 2])
    hub.publish(.candles, of: Self.ether, ["n": 3])
    #expect(try await socket.told() == told("candles", Self.ether, 1, 3))
  }

  @Test func `who asks for events is told them alone, and of each key the newest when he joins`() async throws {
    let hub = Hub()
    let ask = try Asking([], hub: hub)
    hub.publish(.candles, of: .btcusdt, ["n": 0])
    for (key, n) in [("quality gap", 1), ("model window-5m", 2), ("quality gap", 3)] {
      hub.publish(.events, of: .btcusdt, key: key, ["n": .integer(Int64(n))])
    }
    let socket = try await ask.socket("/ws?topics=events")
    #expect(try await socket.told() == told("events", .btcusdt, 2, 2))
    #expect(try await socket.told() == told("events", .btcusdt, 3, 3))
    hub.publish(.predictions, of: .btcusdt, ["n": 4])
    hub.publish(.events, of: Self.ether, ["n": 5])
    #expect(try await socket.told() == told("events", Self.ether, 1, 5))
  }

  @Test func `who names no topic is told events too, and an unknown one is answered with all`() async throws {
    let hub = Hub()
    let ask = try Asking([], hub: hub)
    let socket = try await ask.socket()
    hub.publish(.events, of: .btcusdt, ["n": 1])
    #expect(try await socket.told() == told("events", .btcusdt, 1, 1))
    try await socket.send(.text(Array(#"{"topics":"weather"}"#.utf8)))
    let answer = String(decoding: await socket.next()?.message.bytes ?? [], as: UTF8.self)
    #expect(answer.contains("none of predictions, candles, outcomes, health, events"), "\(answer)")
  }

  @Test func `a client may ask anew`() async throws {
    let hub = Hub()
    let ask = try Asking([], hub: hub)
    hub.publish(.candles, of: Self.ether, ["n": 1])
    let socket = try await ask.socket("/ws?topics=health")
    try await socket.send(.text(Array(#"{"topics":"candles"}"#.utf8)))
    #expect(try await socket.told() == told("candles", Self.ether, 1, 1))
  }

  @Test func `who leaves or asks anew leaves the others where they are`() async throws {
    let hub = Hub()
    let ask = try Asking([], hub: hub)
    var sockets: [WebSocket] = []
    for _ in 0..<4 { sockets.append(try await ask.socket("/ws?topics=candles")) }
    sockets[0].close()
    while await sockets[0].next() != nil {}
    try await sockets[1].send(.text(Array(#"{"topics":"health"}"#.utf8)))
    hub.publish(.health, of: nil, ["n": 1])
    #expect(try await sockets[1].told() == told("health", nil, 1, 1))
    hub.publish(.candles, of: .btcusdt, ["n": 2])
    for socket in sockets[2...] { #expect(try await socket.told() == told("candles", .btcusdt, 1, 2)) }
    hub.publish(.health, of: nil, ["n": 3])
    #expect(try await sockets[1].told() == told("health", nil, 2, 3))
  }

  @Test(arguments: ["", "[]", "{", #"{"topics":"weather"}"#, #"{"symbols":"btc usdt"}"#, #"{"topics":5}"#])
  func `a command that is none is answered, and changes nothing`(command: String) async throws {
    let hub = Hub()
    let ask = try Asking([], hub: hub)
    let socket = try await ask.socket()
    try await socket.send(.text(Array(command.utf8)))
    let answer = await socket.next()?.message.bytes ?? []
    #expect(String(decoding: answer, as: UTF8.self).hasPrefix(#"{"error":{"code":"bad_"#))
    hub.publish(.candles, of: .btcusdt, ["n": 1])
    #expect(try await socket.told() == told("candles", .btcusdt, 1, 1))
  }

  @Test func `a subscription that is none is refused before the upgrade`() async throws {
    let ask = try Asking([], hub: Hub())
    await #expect(throws: TransportError.self) { _ = try await ask.socket("/ws?topics=weather") }
    await #expect(throws: TransportError.self) { _ = try await ask.socket("/elsewhere") }
  }

  @Test func `a client that does not keep up is dropped and slows nobody`() async throws {
    let hub = Hub()
    let ask = try Asking([], hub: hub, .init(unsentMessages: 4, sendBufferBytes: 4096))
    let quick = try await ask.socket("/ws?topics=candles")
    let slow = try await WebSocketClient().connect(
      .init(
        url: "ws://127.0.0.1:\(ask.server.port)/ws?topics=predictions", bufferedMessages: 1, bufferedBytes: 1 << 10))
    hub.publish(.predictions, of: .btcusdt, ["n": 0])
    #expect(try await slow.told()?.data == .init(n: 0))
    // Nobody reads them while this task goes on, and one after the other is more than may wait.
    var sent = 0
    while hub.statistics.slow == 0, sent < 100_000 {
      hub.publish(.predictions, of: .btcusdt, ["n": 1, "padding": .text(String(repeating: "x", count: 4096))])
      sent += 1
    }
    #expect(hub.statistics.slow == 1)
    hub.publish(.candles, of: .btcusdt, ["n": 7])
    #expect(try await quick.told() == told("candles", .btcusdt, 1, 7))
    while await slow.next() != nil {}
    #expect(slow.closing == Closing(code: 1008, reason: "slow", byPeer: true))
    #expect(hub.statistics.members == 1)
  }

  @Test func `the end of the server is said with 1001`() async throws {
    let ask = try Asking([], hub: Hub())
    let socket = try await ask.socket()
    await ask.server.stop()
    while await socket.next() != nil {}
    #expect(socket.closing?.code == 1001)
  }

  @Test func `a heartbeat comes to everybody`() async throws {
    let hub = Hub()
    let ask = try Asking([], hub: hub)
    hub.publish(.health, of: nil, ["n": 1])
    let socket = try await ask.socket("/ws?topics=health")
    #expect(try await socket.told() == told("health", nil, 1, 1))
    hub.beat(at: Timestamp(minute: 28_000_000))
    #expect(try await socket.told()?.type == "heartbeat")
  }
}
