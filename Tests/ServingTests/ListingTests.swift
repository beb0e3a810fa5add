import Market
import Serving
import Storage
import TestSupport
import Testing
import Transport

@Suite(.timeLimit(.minutes(2))) struct ListingTests {
  private static let series = Series(.binance, .btcusdt)
  private static let candles = RandomWalk()(seed: 5, count: 500)

  private static func store() throws -> SharedStore {
    try SharedStore { store in
      var batch = LiveBatch(knownAt: candles[499].openTime.adding(minutes: 2))
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
      _ = try store.commit(batch)
    }
  }

  private static func prediction(_ model: ModelName, at time: Timestamp) -> Prediction {
    Prediction(
      time: time, availableAt: time, view: MarketView(price: series), target: .window(lengthMinutes: 15),
      probabilityUp: 0.5, confidence: 0.5, modelName: model, version: "v1", featureSetHash: "00", inputHash: 7,
      state: "fresh", reason: "", mode: .live, latencyNanoseconds: 1)
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
