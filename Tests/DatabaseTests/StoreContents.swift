import Market
import TestSupport
import Testing

@testable import Storage

/// What is in a store, to be compared with what is in another one.
struct StoreContents: Equatable {
  /// By table: columns by name, and the digest of the rows.
  let tables: [String: String]
  let rows: Int

  init(_ store: any Store) throws { try self.init(store.snapshot()) }

  init(_ snapshot: any StoreSnapshot) throws {
    var tables: [String: String] = [:]
    var rows = 0
    for table in try snapshot.tables() {
      let sorted = StoredTable(name: table.name, columns: table.columns.sorted { $0.name < $1.name })
      var digest = ContentDigest()
      try snapshot.read(sorted) { digest.add($0) }
      tables[table.name] = sorted.columns.map(\.name).joined(separator: " ") + " \(digest.rows) \(digest.text)"
      rows += digest.rows
    }
    (self.tables, self.rows) = (tables, rows)
  }
}

extension Store {
  /// Rows in every table that a feed, an import or a training writes to, with nulls, revisions and extremes.
  func fillWithEverything(seed: UInt64 = 1) throws {
    var random = SplitMix64(seed: seed)
    let start = Timestamp("2024-03-01")!
    let candles = (0..<3000).map { Candle.random(at: start.adding(minutes: $0), using: &random) }
    try write(candles, to: Series("binance:BTCUSDT")!, knownAt: start.adding(minutes: 5000))
    try write(
      candles.filter { $0.trades == nil }, to: Series("coinbase:BTC-USD")!, knownAt: start.adding(minutes: 5000))
    for round in 0..<4 { try commit(.random(round, from: start, using: &random)) }
    _ = try insert((0..<300).map { .random($0, from: start, using: &random) })
    try recordTraining(.random(at: start, logLoss: 0.69))
    try recordTraining(.random(at: start.adding(minutes: 1), logLoss: nil))
    _ = try openEvaluation(
      EvaluationOpening(
        view: MarketView("binance:BTCUSDT")!, target: PredictionTarget("direction-15m")!, version: "v1",
        period: start..<start.adding(minutes: 60)), at: start.adding(minutes: 90))
    try setMeta("schedule.backup", "2024-03-01T06:00:00Z")
    try setMeta("note", "quotes ' and \" and ümlauts")
    try pin(
      RetentionPin(
        series: Series("binance:BTCUSDT")!, range: start..<start.adding(minutes: 3000), reason: "imported",
        pinnedAt: start.adding(minutes: 5000)))
    for (shard, owner) in [("shardId-000000000000", "one"), ("shardId-000000000001", nil)] {
      let row = StreamCheckpoint(shard: shard, owner: owner, counter: 7, position: "49590338271490256608559692538361")
      _ = try write(row, stream: "candles", group: "features", replacing: nil)
    }
    try setOutcomes(
      (0..<100).map { place in
        PredictionOutcome(
          time: start.adding(minutes: place), view: MarketView("binance:BTCUSDT")!,
          target: PredictionTarget("direction-15m")!, value: Double(place % 2), knownAt: start.adding(minutes: 200))
      })
  }

  private func write(_ candles: [Candle], to series: Series, knownAt: Timestamp) throws {
    var rest: [Candle]? = candles
    let stamp = WriteStamp(
      knownAt: knownAt, provenance: .archive, availability: .assumed(delayMicroseconds: 2_000_000))
    _ = try write(to: series, stamp: stamp) {
      defer { rest = nil }
      return rest
    }
  }
}

extension Candle {
  fileprivate static func random(at time: Timestamp, using random: inout SplitMix64) -> Candle {
    let limit: Int128 = Bool.random(using: &random) ? 99_999_999_999_999_999_999 : 7_000_000_000_000
    let prices = (0..<4).map { _ in Int128.random(in: 1...limit, using: &random) }.sorted().map { Decimal8(units: $0)! }
    let amount = Bool.random(using: &random) ? nil : Decimal8(units: Int128.random(in: 0...limit, using: &random))
    return Candle(
      openTime: time, open: prices[1], high: prices[3], low: prices[0], close: prices[2], volume: amount,
      quoteVolume: amount, trades: amount == nil ? nil : .random(in: 0...Int64.max, using: &random),
      takerBuyBase: amount, takerBuyQuote: nil)
  }
}

extension LiveBatch {
  fileprivate static func random(_ round: Int, from start: Timestamp, using random: inout SplitMix64) -> LiveBatch {
    let now = start.adding(minutes: 6000 + round)
    let series = Series("binance:BTCUSDT")!
    let oracle = Venue("chainlink")!
    let feed = Symbol("BTC/USD")!
    var batch = LiveBatch(knownAt: now)
    batch.candles = (0..<40).map { place in
      let candle = Candle.random(at: start.adding(minutes: 2980 + place), using: &random)
      return LiveCandle(
        series,
        CandleRecord(
          candle: candle, availableAt: now, knownAt: now, provenance: .live, isAvailabilityAssumed: false))
    }
    let first = Int64(round * 100)
    batch.ledger = [
      LedgerRange(series, .minutes, first..<first + 50, .live, since: now),
      LedgerRange(series, .minutes, first + 50..<first + 60, .missing, since: now),
      LedgerRange(series, .trades, first..<first + 70, .patched(from: "archive"), since: now),
      LedgerRange(
        series, .trades, first + 80..<first + 90, .lost(reason: "the venue's archive has a hole"), since: now),
    ]
    batch.quality = [
      QualityEvent(series: series, type: "gap", createdAt: now, candlesMissing: 3, details: "{\"from\":1}"),
      QualityEvent(series: series, type: "stale", createdAt: now, resolvedAt: now.adding(minutes: 1)),
    ]
    batch.ticks = (0..<50).map { place in
      let time = start.adding(microseconds: Int64(round * 50 + place) * 1_000_000)
      let tick = OracleTick(
        feed: feed, source: .dataStreams, time: time,
        price: OraclePrice(units: .random(in: -1_000...170_000_000_000_000_000_000_000, using: &random)))
      return OracleTickRecord(venue: oracle, tick: tick, availableAt: time.adding(microseconds: 500))
    }
    batch.oracleMinutes = (0..<5).map { place in
      let price = OraclePrice(units: .random(in: 1...170_000_000_000_000_000_000_000, using: &random))
      return OracleMinuteRecord(
        venue: oracle,
        minute: OracleMinute(
          feed: feed, openTime: start.adding(minutes: place), open: price, high: price, low: price, close: price,
          ticks: 60, isSampled: place == 0), availableAt: now)
    }
    batch.features = (0..<10).map { place in
      FeatureRow(
        time: start.adding(minutes: round * 10 + place), view: MarketView("binance:BTCUSDT")!,
        featureSetHash: "0123456789abcdef", version: "v1", json: "{\"raw\":{\"rsi_14\":1.5e-07,\"obv\":\(place)}}")
    }
    batch.log = [
      SystemLogRow(
        time: now, category: "feed", level: "warning", message: "späte Kerze",
        context: "{\"b\":[1, 2.50],\"a\":\"\\u00e4\"}")
    ]
    batch.marketData = (0..<20).map { place in
      MarketDataRow(
        series: series, time: start.adding(minutes: place), price: Decimal8("65000.12345678")!,
        volume: place % 2 == 0 ? nil : Decimal8("0.00000001"), source: "stream", dataType: "trade")
    }
    return batch
  }
}

extension Prediction {
  fileprivate static func random(_ place: Int, from start: Timestamp, using random: inout SplitMix64) -> Prediction {
    let time = start.adding(minutes: place)
    let isSilent = place % 7 == 0
    return Prediction(
      time: time, availableAt: time.adding(microseconds: 1500), view: MarketView("binance:BTCUSDT")!,
      target: PredictionTarget("direction-15m")!, probabilityUp: isSilent ? nil : .random(in: 0...1, using: &random),
      confidence: isSilent ? nil : 0.5, modelName: .ensemble, version: "v\(place % 3)",
      featureSetHash: "0123456789abcdef", inputHash: .random(in: 0...UInt64.max, using: &random), state: "fresh",
      reason: "", mode: .replay, latencyNanoseconds: 1)
  }
}

extension TrainingRecord {
  fileprivate static func random(at time: Timestamp, logLoss: Double?) -> TrainingRecord {
    TrainingRecord(
      trainedAt: time, view: MarketView("binance:BTCUSDT")!, target: PredictionTarget("direction-15m")!, version: "v1",
      modelName: .ensemble, trainedOn: time..<time.adding(minutes: 600), rows: 600, logLoss: logLoss, auc: nil,
      accuracy: 0.5, verdict: "kept back")
  }
}
