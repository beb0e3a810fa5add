import FoundationEssentials
import Ingestion
import Market
import Serving
import Storage
import TestSupport
import Testing
import Transport

@testable import candlecast

/// What the clients of a live feed are told of what happens to it.
@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct AnnouncerTests {
  private struct Told: Decodable {
    struct Event: Decodable {
      let kind: String?
      let level: String?
      let time: String?
      let symbol: String?
      let message: String?
      let since: String?
      let until: String?
    }

    let sequence: Int
    let data: Event
  }

  private static let now = Timestamp(minute: 29_000_000)
  private static let view = MarketView(price: Series(.binance, .btcusdt))

  private let hub = Hub()
  private let server: HTTPServer
  private let announcer: Announcer

  init() throws {
    server = try HTTPServer(handler: APIServer([], hub: hub))
    announcer = Announcer(hub, LiveStatus(), ServingRules())
  }

  private func listener() async throws -> WebSocket {
    try await WebSocketClient().connect(.init(url: "ws://127.0.0.1:\(server.port)/ws?topics=events"))
  }

  private func told(_ socket: WebSocket) async throws -> Told {
    let bytes = try #require(await socket.next()).message.bytes
    return try JSONDecoder().decode(Told.self, from: Data(bytes))
  }

  private func tell(_ quality: [QualityEvent] = [], _ predictions: [Prediction] = [], after seconds: Int64 = 0) {
    var output = LiveOutput(at: Self.now.adding(microseconds: seconds * 1_000_000))
    output.batch.quality = quality
    announcer.tell(output, predictions)
  }

  private func prediction(
    _ state: String, _ model: ModelName = .ensemble, of minutes: Int = 15, reason: String = "",
    arm: Prediction.Arm = .main
  ) -> Prediction {
    Prediction(
      time: Self.now, availableAt: Self.now, view: Self.view, target: .window(lengthMinutes: minutes),
      probabilityUp: state.hasPrefix("abstain") ? nil : 0.75, confidence: nil, modelName: model, version: "v1",
      featureSetHash: "00", inputHash: 7, state: state, reason: reason, mode: .live, latencyNanoseconds: 1, arm: arm)
  }

  @Test func `what is wrong with the data is told once when it begins and once when it is over`() async throws {
    let socket = try await listener()
    var gap = QualityEvent(series: Self.view.price, type: "gap", createdAt: Self.now, candlesMissing: 1)
    tell([gap])
    gap.candlesMissing = 3
    tell([gap])
    gap.resolvedAt = Self.now.adding(minutes: 5)
    tell([gap])
    let (opened, closed) = (try await told(socket), try await told(socket))
    #expect((opened.sequence, closed.sequence) == (1, 2))
    #expect((opened.data.kind, opened.data.level) == ("quality", "warning"))
    #expect(opened.data.message == "gap opened, candles missing: 1" && opened.data.symbol == "BTCUSDT")
    #expect(opened.data.time == "\(Self.now)" && opened.data.until == nil)
    #expect((closed.data.level, closed.data.message) == ("info", "gap closed, candles missing: 3"))
    #expect(closed.data.since == "\(Self.now)" && closed.data.until == "\(Self.now.adding(minutes: 5))")
  }

  @Test func `that another version answers or cannot is told once`() async throws {
    let socket = try await listener()
    let target = PredictionTarget.window(lengthMinutes: 15)
    announcer.tell(LiveStart.ServedTarget(target: target, version: "v2"), of: .btcusdt, at: Self.now)
    announcer.tell(ModelWatch.Refusal(target: target, sentence: "v3 cannot"), of: .btcusdt, at: Self.now)
    let (switched, refused) = (try await told(socket), try await told(socket))
    #expect((switched.sequence, refused.sequence) == (1, 2))
    #expect((switched.data.kind, switched.data.level) == ("model", "info"))
    #expect(switched.data.message == "v2 answers for window-15m from now on")
    #expect((refused.data.kind, refused.data.level, refused.data.message) == ("model", "error", "v3 cannot"))
  }

  @Test func `answers that change their state alike are told once, and those that stay are not`() async throws {
    let socket = try await listener()
    tell([], [prediction("fresh"), prediction("fresh", .mlp), prediction("fresh", of: 5)])
    tell([], [prediction("fresh"), prediction("fresh", .mlp), prediction("fresh", of: 5)])
    let stale = "abstain:stale"
    tell(
      [], [prediction(stale, reason: "no trade"), prediction("fresh", .mlp), prediction(stale, of: 5)], after: 60)
    tell([], [prediction(stale, reason: "no trade"), prediction("fresh", .mlp)], after: 120)
    tell([], [prediction("fresh")], after: 180)
    let (worse, better) = (try await told(socket), try await told(socket))
    #expect((worse.sequence, better.sequence) == (1, 2))
    #expect((worse.data.kind, worse.data.level) == ("state", "warning"))
    #expect(worse.data.message == "window-15m, window-5m (Ensemble): fresh → abstain:stale: no trade")
    #expect(worse.data.time == "\(Self.now.adding(minutes: 1))")
    #expect((better.data.level, better.data.message) == ("info", "window-15m (Ensemble): abstain:stale → fresh"))
  }

  @Test func `versions that share the decisions do not seem to change their state`() async throws {
    let socket = try await listener()
    for _ in 0..<3 { tell([], [prediction("fresh")]); tell([], [prediction("unpromoted", arm: .split)]) }
    tell([], [prediction("fallback")])
    let only = try await told(socket)
    #expect(only.sequence == 1 && only.data.message == "window-15m (Ensemble): fresh → fallback")
  }

  @Test func `who joins is told the newest of each kind`() async throws {
    announcer.tell(
      LiveStart.ServedTarget(target: .window(lengthMinutes: 15), version: nil), of: .btcusdt, at: Self.now)
    for minute in 0..<3 {
      tell([QualityEvent(series: Self.view.price, type: "stale", createdAt: Self.now.adding(minutes: minute))])
    }
    let socket = try await listener()
    let (model, quality) = (try await told(socket), try await told(socket))
    #expect((model.data.kind, model.data.message) == ("model", "the baseline answers for window-15m from now on"))
    #expect((quality.data.kind, quality.sequence) == ("quality", 4))
  }
}
