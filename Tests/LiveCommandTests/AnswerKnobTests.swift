import Dispatch
import FoundationEssentials
import Ingestion
import Market
import Operations
import Platform
import Serving
import Storage
import TestSupport
import Testing
import Transport

@testable import candlecast

/// What the knobs of inference change in what a server tells.
@Suite(.serialized, .timeLimit(.minutes(Soak.minutes(5)))) struct AnswerKnobTests {
  private static let view = MarketView(price: Series(.binance, .btcusdt))
  private static let now = Timestamp("2024-03-01T12:00:30Z")!

  /// A server over a store with a prediction of this minute and one of ten minutes ago.
  private struct Served {
    let port: Int
    let store: LateStore
    let status: LiveStatus
    let latest: LatestPredictions
    private let client: HTTPClient

    init(port: Int, store: LateStore, status: LiveStatus, latest: LatestPredictions) throws {
      (self.port, self.store, self.status, self.latest) = (port, store, status, latest)
      client = try HTTPClient(HTTPClient.Options(maxConnections: 16))
    }

    func get(_ path: String) async throws -> HTTPAnswer {
      try await client.send(HTTPRequest(url: "http://127.0.0.1:\(port)\(path)", timeoutSeconds: Patience.seconds))
    }
  }

  private static func prediction(at time: Timestamp) -> Prediction {
    Prediction(
      time: time, availableAt: time, view: view, target: .window(lengthMinutes: 15), probabilityUp: 0.75,
      confidence: 0.5, modelName: .a, version: "v1", featureSetHash: "00", inputHash: 7, state: "fresh", reason: "",
      mode: .live, latencyNanoseconds: 1)
  }

  private static let predictions = [-600, -30].map { prediction(at: now.adding(microseconds: $0 * 1_000_000)) }

  private func serve(_ knobs: [String: String], _ ask: (Served) async throws -> Void) async throws {
    let desk = try Desk(knobs)
    let context = try desk.context()
    let status = LiveSession.Options(service: context.configuration).status
    status.models = ServedModels(view: Self.view, preset: context.target)
    status.runs(by: PipelineClock(origin: Self.now, at: SystemClock.wallNanoseconds(), speed: 1e-9))
    let latest = LatestPredictions(ServingRules(context.configuration))
    let store = LateStore(context.log)
    let path = desk.storePath
    let writer = try LiveWriter { () throws(StoreError) in try DuckDBStore(path: path) }
    store.open(writer)
    var batch = LiveBatch(knownAt: Self.now)
    batch.predictions = Self.predictions
    _ = try await writer.commit(batch, receivedNanoseconds: SystemClock.wallNanoseconds())
    let content = try LiveContent(context, status, view: Self.view, charts: nil, latest: latest).routes(from: store)
    let server = try LiveServer(status, try ServerSetting(context.configuration), content, store: store)
    let result: Swift.Result<Void, any Error>
    do {
      try await ask(Served(port: server.ports.feeder, store: store, status: status, latest: latest))
      result = .success(())
    } catch {
      result = .failure(error)
    }
    await server.stop()
    try await writer.close()
    try result.get()
  }

  private struct Latest: Decodable, Equatable {
    struct Row: Decodable, Equatable {
      let time: String
      let model: String
      let confidence: Double
      let state: String
    }

    let predictions: [Row]
  }

  private func latest(_ served: Served) async throws -> Latest {
    try JSONDecoder().decode(Latest.self, from: Data(try await served.get("/v1/predictions/latest").body))
  }

  @Test func `the newest predictions are those at hand, or without the cache those that are stored`() async throws {
    var atHand: Latest?
    try await serve([:]) { served async throws in
      #expect(try await latest(served).predictions.isEmpty, "nothing has been said since the start")
      served.latest.note(Self.predictions)
      atHand = try await latest(served)
    }
    #expect(atHand?.predictions.map(\.time) == [Self.predictions[1].time.description])
    try await serve(["inference.prediction_cache": "false"]) { served async throws in
      #expect(try await latest(served) == atHand)
    }
  }

  private struct Features: Decodable {
    struct Row: Decodable {
      let time: String
      let features: [Double?]
    }

    let recent: [Row]
  }

  @Test(arguments: [(nil, 5, 3), ("2", 5, 2), ("2", 1, 1), ("2", 0, 0)])
  func `as many feature vectors as are to be kept can be asked for`(
    kept: String?, wanted: Int, found: Int
  ) async throws {
    try await serve(kept.map { ["inference.feature_cache_size": $0] } ?? [:]) { served async throws in
      let times = (0..<3).map { Self.now.adding(minutes: $0) }
      for (place, time) in times.enumerated() {
        served.status.features.note(FeatureMoment(time: time, vector: [Float(place), .nan]))
      }
      let answer = try await served.get("/v1/features?recent=\(wanted)")
      let features = try JSONDecoder().decode(Features.self, from: Data(answer.body))
      #expect(features.recent.map(\.time) == times.suffix(found).map(\.description))
      #expect(features.recent.map(\.features) == [[0, nil], [1, nil], [2, nil]].suffix(found))
    }
  }

  @Test(arguments: [1, 3])
  func `so many predictions as may be are computed again at a time or wait for it, and no more`(
    most: Int
  ) async throws {
    try await serve(["inference.max_concurrent_predictions": "\(most)"]) { served async throws in
      let path = "/v1/predictions/1709294460000.window-15m.ModelA.v2.live/explain"
      let (isHeld, held) = AsyncStream.makeStream(of: Void.self)
      let gate = DispatchSemaphore(value: 0)
      async let holding: Void = served.store.withStore { _ in
        held.finish()
        gate.wait()
      }
      for await _ in isHeld {}
      let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0...most { group.addTask { try await served.get(path).status } }
        let first = try await group.next()
        gate.signal()
        return try await group.reduce(into: [first]) { $0.append($1) }
      }
      #expect(statuses == [429] + Array(repeating: 404, count: most))
      try await holding
    }
  }
}
