import Market
import TestSupport
import Testing
import Transport
import Venues

@testable import VenueSimulator

struct SimulatorServerTests {
  private func serve(
    _ stage: Stage, speed: Double, _ body: @Sendable (SimulatorServer) async throws -> Void
  ) async throws {
    let clock = VirtualClock(start: stage.market.split, speed: speed)
    let server = try SimulatorServer(stage.venues, stage.market, clock: clock)
    // It blocks, so it has a thread of its own.
    let playing = Task.detached { server.run() }
    try await body(server)
    await playing.value
    await server.stop()
  }

  @Test(.timeLimit(.minutes(Soak.minutes(5)))) func `a client reads everything over a real socket and sees the end`()
    async throws
  {
    let stage = try Stage(streamed: 2)
    let truth = stage.truth().suffix(2)
    try await serve(stage, speed: 100) { server in
      let binance = BinanceProtocol(usesMicroseconds: true)
      let client = try WebSocketClient()
      let path = binance.sockets(for: [Stage.symbol], [.klines], now: stage.market.split)[0].path
      let socket = try await client.connect(WebSocketRequest(url: "ws://127.0.0.1:\(server.port)/binance\(path)"))
      var closed: [Candle] = []
      while let received = await socket.next() {
        guard case .text(let bytes) = received.message else { continue }
        try bytes.withUnsafeBufferPointer { frame in
          try binance.decode(frame, isBinary: false) { message in closed += [message].closedCandles }
        }
      }
      #expect(closed == Array(truth))
      #expect(socket.closing?.code == 1000)
      client.stop()
    }
  }

  @Test(.timeLimit(.minutes(Soak.minutes(5)))) func `requests are answered by path, and the clock runs`() async throws {
    let stage = try Stage(streamed: 2)
    try await serve(stage, speed: 60) { server in
      let client = try HTTPClient()
      func get(_ path: String) async throws -> HTTPAnswer {
        try await client.send(
          HTTPRequest(url: "http://127.0.0.1:\(server.port)\(path)", timeoutSeconds: Patience.seconds))
      }
      let clock = String(decoding: try await get("/sim/clock").body, as: UTF8.self)
      #expect(clock.contains("\"speed\":60.0,\"synthetic\":true"))
      #expect(try await get("/binance/api/v3/ping").body == Array("{}".utf8))
      #expect(try await get("/api/v3/ping").body == Array("{}".utf8))
      #expect(try await get("/bybit/v5/market/time").status == 200)
      #expect(try await get("/coinbase-exchange/products").status == 200)
      #expect(try await get("/chainlink/api/v1/feeds").status == 401)
      let truth = String(
        decoding: try await get("/sim/truth?symbol=BTCUSDT&from=\(stage.candles[0].openTime)").body, as: UTF8.self)
      #expect(truth.split(separator: "\n").count >= 600)
    }
  }
}
