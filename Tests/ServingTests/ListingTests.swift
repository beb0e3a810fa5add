import FoundationEssentials
import Market
import Models
import Serving
import Storage
import TestSupport
import Testing
import Transport

@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct ListingTests {
  private static let series = Series(.binance, .btcusdt)
  private static let candles = RandomWalk()(seed: 5, count: 500)

  private static func store() throws -> SharedStore { try store(of: candles) }

  /// With a ledger, a quality event, predictions and cached vectors.
  static func store(of candles: [Candle]) throws -> SharedStore {
    try SharedStore { store in
      var batch = LiveBatch(knownAt: candles[candles.count - 1].openTime.adding(minutes: 2))
      batch.candles = candles.map { candle in
        LiveCandle(
          series,
          CandleRecord(
            candle: candle, availableAt: candle.openTime.adding(minutes: 1), knownAt: batch.knownAt, provenance: .live,
            isAvailabilityAssumed: false))
      }
      let minute = candles[0].openTime.minute
      batch.ledger = [
        LedgerRange(series, .minutes, minute + 10..<minute + 13, .patched(from: "binance"), since: batch.knownAt),
        LedgerRange(series, .minutes, minute - 5..<minute, .lost(reason: "not listed yet"), since: batch.knownAt),
      ]
      batch.quality = [QualityEvent(series: series, type: "gap", createdAt: batch.knownAt, candlesMissing: 3)]
      batch.predictions = candles.prefix(100).flatMap { candle in
        [ModelName.a, .ensemble].map { prediction($0, at: candle.openTime) }
      }
      batch.features = candles.suffix(5).map { candle in
        FeatureRow(
          time: candle.openTime.adding(minutes: 1), view: MarketView(price: series), featureSetHash: "00", version: "",
          json: #"{"raw":{"a":1.5,"b":null}}"#)
      }
      _ = try store.commit(batch)
    }
  }

  private static func prediction(_ model: ModelName, at time: Timestamp) -> Prediction {
    Prediction(
      time: time, availableAt: time, view: MarketView(price: series), target: .window(lengthMinutes: 15),
      probabilityUp: 0.5, confidence: 0.5, modelName: model, version: "v1", featureSetHash: "00", inputHash: 7,
      state: "fresh", reason: "", mode: .live, latencyNanoseconds: 1)
  }

  @Test func `what a shadow said is listed for those who ask for it`() async throws {
    let start = Self.candles[0].openTime
    let store = try SharedStore { store in
      var batch = LiveBatch(knownAt: start.adding(minutes: 2))
      batch.candles = [LiveCandle(Self.series, CandleRecord(Self.candles[0], lateAt: batch.knownAt))]
      batch.predictions = [(ModelName.a, .main), (.b, .split), (.c, .shadow)].map { model, arm in
        var prediction = Self.prediction(model, at: start)
        prediction.arm = arm
        return prediction
      }
      _ = try store.commit(batch)
    }
    let ask = try Asking(Self.routes(store))
    func models(_ query: String) async throws -> [String?] {
      try await ask.listing("/v1/predictions?from=\(start)" + query).rows.map(\.model)
    }
    #expect(try await models("") == ["ModelA", "ModelB"])
    #expect(try await models("&arm=shadow") == ["ModelC"])
    #expect(try await models("&arm=split") == ["ModelB"])
    let told = try await ask("/v1/predictions?from=\(start)&arm=shadow")
    #expect(String(decoding: told.body, as: UTF8.self).replacing(" ", with: "").contains(#""arm":"shadow""#))
  }

  private static func routes(_ store: some StoreReading) -> [Route] {
    [
      .candles(of: series, from: store), .predictions(of: MarketView(price: series), from: store),
      .gaps(of: series, from: store), .quality(of: series, from: store),
    ]
  }

  @Test func `the newest candles come when no time is named`() async throws {
    let ask = try Asking(Self.routes(try Self.store()))
    let listing = try await ask.listing("/v1/candles?limit=7")
    #expect(listing.series == "binance:BTCUSDT")
    #expect(listing.rows.map(\.open_time) == Self.candles.suffix(7).map(\.openTime.description))
    #expect(listing.rows.map(\.close) == Self.candles.suffix(7).map(\.close.description))
    #expect(listing.next == nil)
  }

  @Test(arguments: [1, 33, 499, 500, 501, 1000]) func `pages follow one another without a hole`(limit: Int) async throws
  {
    let ask = try Asking(Self.routes(try Self.store()))
    var (found, next): ([String], String?) = ([], Self.candles[0].openTime.description)
    while let from = next, found.count < 600 {
      guard limit > 1 || found.count < 20 else { return #expect(found.count == 20) }
      let listing = try await ask.listing("/v1/candles?symbol=BTCUSDT&from=\(from)&limit=\(limit)")
      #expect(listing.rows.count <= limit)
      found += listing.rows.compactMap(\.open_time)
      next = listing.next
    }
    #expect(found == Self.candles.map(\.openTime.description))
  }

  @Test func `an end is exclusive`() async throws {
    let ask = try Asking(Self.routes(try Self.store()))
    let times = Self.candles.map(\.openTime.description)
    let range = "from=\(times[10])&to=\(times[15])"
    let candles = try await ask.listing("/v1/candles?\(range)")
    #expect(candles.rows.map(\.open_time) == Array(times[10..<15]) && candles.next == nil)
    let newest = try await ask.listing("/v1/candles?limit=3&to=\(times[15])")
    #expect(newest.rows.map(\.open_time) == Array(times[12..<15]))
    let predictions = try await ask.listing("/v1/predictions?model=ModelA&\(range)")
    #expect(predictions.rows.map(\.time) == Array(times[10..<15]) && predictions.next == nil)
  }

  @Test func `predictions are told by model, and those of one decision stay together`() async throws {
    let ask = try Asking(Self.routes(try Self.store()))
    let start = Self.candles[0].openTime
    let all = try await ask.listing("/v1/predictions?from=\(start)&limit=3")
    #expect(all.rows.map(\.model) == ["Ensemble", "ModelA", "Ensemble", "ModelA"])
    #expect(all.next == start.adding(minutes: 2).description)
    let some = try await ask.listing("/v1/predictions?from=\(start)&limit=3&model=ModelA&target=window-15m")
    #expect(some.rows.map(\.model) == ["ModelA", "ModelA", "ModelA"])
    let none = try await ask.listing("/v1/predictions?from=\(start)&target=direction-15m")
    #expect(none.rows.isEmpty && none.next == nil)
  }

  @Test func `the ledger and what went wrong can be asked for`() async throws {
    let ask = try Asking(Self.routes(try Self.store()))
    let gaps = try await ask.listing("/v1/gaps?from=2000-01-01")
    #expect(gaps.rows.map(\.state) == ["lost", "patched"])
    #expect(gaps.rows.map(\.minutes) == [5, 3])
    let quality = try await ask.listing("/v1/quality?unresolved=true")
    #expect(quality.rows.map(\.type) == ["gap"])
    #expect(quality.rows.map(\.candles_missing) == [3])
  }

  @Test func `the ledger comes in pages`() async throws {
    let ask = try Asking(Self.routes(try Self.store()))
    let patched = Self.candles[10].openTime.description
    let first = try await ask.listing("/v1/gaps?limit=1")
    #expect(first.rows.map(\.state) == ["lost"] && first.next == patched)
    let second = try await ask.listing("/v1/gaps?limit=1&from=\(patched)")
    #expect(second.rows.map(\.from) == [patched] && second.next == nil)
    let before = try await ask.listing("/v1/gaps?to=\(patched)")
    #expect(before.rows.map(\.state) == ["lost"] && before.next == nil)
  }

  @Test func `quality comes in pages from the newest back, and those of one instant stay together`() async throws {
    func time(_ minute: Int) -> Timestamp { Self.candles[0].openTime.adding(minutes: minute) }
    let kinds = [(1, "gap"), (2, "gap"), (3, "gap"), (3, "invalid"), (3, "stale"), (4, "gap")]
    let store = try SharedStore { store in
      var batch = LiveBatch(knownAt: time(5))
      batch.quality = kinds.map { QualityEvent(series: Self.series, type: $1, createdAt: time($0)) }
      _ = try store.commit(batch)
    }
    let ask = try Asking(Self.routes(store))
    func page(_ query: String) async throws -> (minutes: [String], next: String?) {
      let listing = try await ask.listing("/v1/quality?" + query)
      return (listing.rows.compactMap(\.created_at), listing.next)
    }
    let all = [4, 3, 3, 3, 2, 1].map { time($0).description }
    #expect(try await page("") == (all, nil))
    #expect(try await page("limit=1") == ([all[0]], all[0]))
    #expect(try await page("limit=2") == (Array(all[..<4]), all[3]))
    #expect(try await page("limit=2&to=\(all[3])") == (Array(all[4...]), nil))
    #expect(try await page("from=\(time(2))&to=\(time(4))") == (Array(all[1..<5]), nil))
    #expect(try await page("from=\(time(2))&limit=4") == (Array(all[..<4]), all[3]))
    #expect(try await page("symbol=ETHUSDT") == ([], nil))
  }

  @Test func `a series that is not stored is named`() async throws {
    let ask = try Asking(Self.routes(try Self.store()))
    let failure = try await ask.failure("/v1/candles?symbol=bybit:ETHUSDT")
    #expect(failure.status == 404)
    #expect(failure.code == "unknown_series")
    #expect(failure.message == "nothing is stored of bybit:ETHUSDT")
  }

  @Test(arguments: [
    ("/v1/candles?limit=0", "bad_parameter", "limit: “0” is not a whole number from 1 to 1000"),
    ("/v1/candles?limit=99999999999999999999", "bad_parameter", "“99999999999999999999” is not a whole number"),
    ("/v1/candles?from=yesterday", "bad_parameter", "from: “yesterday” is no time"),
    ("/v1/candles?symbol=bit%20coin", "bad_parameter", "symbol: “bit coin” is no instrument"),
    ("/v1/candles?from=2024-01-02&to=2024-01-01", "bad_parameter", "is not before"),
    ("/v1/candles?limit=5&limit=6", "bad_parameter", "limit: given twice"),
    ("/v1/candles?limt=5", "unknown_parameter", "it has symbol, from, to, limit"),
    ("/v1/candles?from=%ff", "bad_query", "not percent-encoded UTF-8"),
    ("/v1/candles?from=%4", "bad_query", "not percent-encoded UTF-8"),
    ("/v1/predictions?target=next-week", "bad_parameter", "window-15m"),
    ("/v1/predictions?model=Oracle", "bad_parameter", "none of ModelA"),
    ("/v1/quality?unresolved=maybe", "bad_parameter", "none of true, false"),
    ("/v1/quality?from=2024-01-02&to=2024-01-02", "bad_parameter", "is not before"),
  ])
  func `a mistake in a query is named with what is right`(target: String, code: String, part: String) async throws {
    let ask = try Asking(Self.routes(BrokenStore()))
    let failure = try await ask.failure(target)
    #expect(failure.status == 400)
    #expect(failure.code == code)
    #expect(failure.message.contains(part), "\(failure.message)")
  }

  @Test func `a store that cannot be read is not the asker's doing, and tells nothing of itself`() async throws {
    let ask = try Asking(Self.routes(BrokenStore()))
    let answer = try await ask("/v1/candles")
    #expect(answer.status == 503)
    #expect(answer.headers["retry-after"] == "1")
    #expect(try await ask.failure("/v1/candles").code == "unavailable")
  }
}

/// The newest vector, those that were cached, and the registry.
@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct ModelListingTests {
  private struct Features: Decodable {
    struct Current: Decodable {
      let time: String
      let age_seconds: Double
      let names: [String]
      let features: [Float?]
    }

    struct Row: Decodable {
      struct Vector: Decodable {
        let raw: [String: Double?]
      }

      let time: String
      let features: Vector
    }

    struct Recent: Decodable {
      let features: [Float?]
    }

    let series: String
    let current: Current?
    let recent: [Recent]
    let rows: [Row]
    let next: String?
  }

  private struct Models: Decodable {
    struct Row: Decodable {
      struct Card: Decodable {
        let scores: [String: [String: [String: [String: Double]]]]
      }

      let version: String
      let target: String
      let aliases: [String]
      let card: Card?
    }

    let rows: [Row]
    let next: String?
  }

  @Test func `the newest vector has its names and its age, and cached ones their pages`() async throws {
    let candles = RandomWalk()(seed: 5, count: 50)
    let (models, board) = (try SampleModels(), FeatureBoard())
    let now = candles[49].closeTime.adding(microseconds: 2_500_000)
    let ask = try Asking([
      .features(of: models.served, board, from: try ListingTests.store(of: candles)) { now }
    ])
    func features(_ query: String = "") async throws -> Features {
      try JSONDecoder().decode(Features.self, from: Data(try await ask("/v1/features" + query).body))
    }
    #expect(try await features().current == nil)
    let vector = SampleModels.vector(seed: 4)
    board.note(FeatureMoment(time: candles[49].closeTime, vector: vector))
    let current = try #require(try await features().current)
    #expect(current.age_seconds == 2.5 && current.names.count == vector.count)
    #expect(current.features == vector.map { $0.isNaN ? nil : $0 })
    #expect(try await features().recent.isEmpty)
    #expect(try await features("?recent=7").recent.map(\.features) == [current.features])
    let page = try await features("?from=2000-01-01&limit=3")
    #expect(page.rows.map(\.time) == candles[45..<48].map { $0.openTime.adding(minutes: 1).description })
    #expect(page.rows.first?.features.raw == ["a": 1.5, "b": nil])
    let rest = try await features("?from=\(try #require(page.next))")
    #expect(rest.rows.count == 2 && rest.next == nil)
    let named = try await features("?symbol=BTCUSDT&recent=7&from=2000-01-01")
    #expect(named.current != nil && named.recent.count == 1 && named.rows.count == 5)
    let stranger = try await features("?symbol=bybit:ETHUSDT&recent=7&from=2000-01-01")
    #expect(stranger.series == "bybit:ETHUSDT" && stranger.current == nil && stranger.recent.isEmpty)
    #expect(stranger.rows.isEmpty && stranger.next == nil)
  }

  @Test func `the registry's versions are told with aliases and scores`() async throws {
    let folder = try TemporaryFolder()
    let registry = Registry(path: folder.path + "/models")
    let time = Timestamp("2024-02-01")!
    for name in ["20240101-1", "20240101-2"] {
      _ = try registry.register(
        staged: MadeVersion(name: name).write(in: folder.path), at: time, who: "test", why: "test")
    }
    let ask = try Asking([.models(of: registry, venue: .binance)])
    let all = try JSONDecoder().decode(Models.self, from: Data(try await ask("/v1/models").body))
    #expect(all.rows.map(\.version) == ["20240101-1", "20240101-2"])
    #expect(all.rows.map(\.aliases) == [[], ["latest", "candidate"]])
    #expect(all.rows[0].card?.scores["pooled"]?["ModelA"]?["log_loss"]?["value"] == 0.69)
    let some = try await ask("/v1/models?alias=latest&target=window-15m")
    #expect(try JSONDecoder().decode(Models.self, from: Data(some.body)).rows.map(\.version) == ["20240101-2"])
    let none = try await ask("/v1/models?target=window-5m")
    #expect(try JSONDecoder().decode(Models.self, from: Data(none.body)).rows.isEmpty)
  }

  @Test func `the registry's versions are found by symbol and by time, in pages`() async throws {
    let folder = try TemporaryFolder()
    let registry = Registry(path: folder.path + "/models")
    let other = MarketView(price: Series(.bybit, .btcusdt))
    // The first two at one instant.
    for (name, day, view) in [("a-1", 1, MadeVersion.view), ("a-2", 1, other), ("a-3", 2, MadeVersion.view)] {
      _ = try registry.register(
        staged: MadeVersion(name: name, view: view).write(in: folder.path),
        at: try #require(Timestamp("2024-02-0\(day)")), who: "test", why: "test")
    }
    let ask = try Asking([.models(of: registry, venue: .binance)])
    func page(_ query: String) async throws -> (names: [String], next: String?) {
      let answer = try await ask("/v1/models?" + query)
      let models = try JSONDecoder().decode(Models.self, from: Data(answer.body))
      return (models.rows.map(\.version), models.next)
    }
    let second = "2024-02-02T00:00:00Z"
    #expect(try await page("") == (["a-1", "a-2", "a-3"], nil))
    #expect(try await page("limit=1") == (["a-1", "a-2"], second))
    #expect(try await page("limit=1&from=\(second)") == (["a-3"], nil))
    #expect(try await page("to=\(second)") == (["a-1", "a-2"], nil))
    #expect(try await page("symbol=BTCUSDT") == (["a-1", "a-3"], nil))
    #expect(try await page("symbol=BTCUSDT&limit=1") == (["a-1"], second))
    #expect(try await page("symbol=bybit:BTCUSDT") == (["a-2"], nil))
    #expect(try await page("symbol=ETHUSDT") == ([], nil))
  }

  @Test func `a prediction has an id that names it again`() throws {
    let id = try #require(PredictionID("1709294460000.window-15m.ModelA.20240301-1.live"))
    #expect(id.description == "1709294460000.window-15m.ModelA.20240301-1.live")
    #expect(id.time == Timestamp("2024-03-01T12:01Z") && id.version == "20240301-1" && id.mode == .live)
    #expect(PredictionID("1709294460000.direction-5m.Baseline..replay")?.version == "")
    for text in ["", "1.2.3.4.5", "x.window-15m.ModelA.v.live", "1.window-15m.Oracle.v.live", "1.window-15m.ModelA.v"] {
      #expect(PredictionID(text) == nil)
    }
  }
}
