import Market
import TestSupport
import Testing

@testable import Storage

struct LiveStoreTests {
  private let places = StorePlaces()
  private let feed = Symbol("BTC/USD")!

  private func time(_ minute: Int) -> Timestamp { Timestamp.start.adding(minutes: minute) }

  // MARK: Candles

  @Test(arguments: StoreKind.allCases)
  func `a candle is new, then unchanged, then revised`(kind: StoreKind) throws {
    let store = try places.open(kind)
    let candle = Candle.random(1, seed: 1)[0]
    #expect(try store.commit(.of([candle], knownAt: time(1))) == [.new])
    #expect(try store.commit(.of([candle], knownAt: time(2))) == [.unchanged])
    #expect(try store.commit(.of([candle.changed, candle.changed], knownAt: time(3))) == [.revised, .unchanged])
    let versions = try store.revisions(.bitcoin, in: .all, asOf: .distantFuture)
    #expect(versions.map(\.record.candle) == [candle, candle.changed])
    #expect(versions.map(\.record.knownAt) == [time(1), time(3)])
    #expect(versions.map(\.record.availableAt) == [candle.closeTime, max(time(3), candle.closeTime)])
    #expect(versions.map(\.record.provenance) == [.live, .live])
    #expect(try store.summary(of: .bitcoin)?.rows == 1)
    #expect(try store.summary(of: .bitcoin)?.revisions == 1)
  }

  @Test(arguments: StoreKind.allCases)
  func `versions that come together keep their order`(kind: StoreKind) throws {
    let store = try places.open(kind)
    let candle = Candle.random(1, seed: 1)[0]
    let all = [candle, candle.changed, candle.changed.changed]
    #expect(try store.commit(.of(all, knownAt: time(9))) == [.new, .revised, .revised])
    var seen: [Candle] = []
    try store.readEvents(.bitcoin) { seen.append($0.candle) }
    #expect(seen == all)
    let knownAt = try store.revisions(.bitcoin, in: .all, asOf: .distantFuture).map(\.record.knownAt)
    #expect(knownAt == (0..<3).map { time(9).adding(microseconds: $0) })
  }

  @Test(arguments: StoreKind.allCases, Soak.seedsOfStores(6))
  func `random batches leave what a dictionary holds`(kind: StoreKind, seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var model: [Series: [Timestamp: [Candle]]] = [:]
    var store = try places.open(kind)
    for round in 0..<60 {
      if Int.random(in: 0..<15, using: &random) == 0 {
        // Reopened, or written past: nothing that is remembered may be wrong afterwards.
        _ = consume store
        store = try places.open(kind)
      }
      if Int.random(in: 0..<10, using: &random) == 0 {
        let archive = (0..<40).map { Candle.random(at: time($0 * 7), using: &random) }
        try store.write(archive, to: .ether, .archive(storedAt: round))
        for candle in archive { _ = model.take(candle, .ether) }
      }
      var batches: [LiveBatch] = []
      var expected: [[CandleOutcome]] = []
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        var batch = LiveBatch(knownAt: time(10_000 + round))
        var outcomes: [CandleOutcome] = []
        for _ in 0..<Int.random(in: 0..<25, using: &random) {
          let series: Series = Bool.random(using: &random) ? .bitcoin : .ether
          let minute = time(Int.random(in: 0..<1500, using: &random))
          let candle =
            Bool.random(using: &random)
            ? model[series]?[minute]?.last ?? .random(at: minute, using: &random) : .random(at: minute, using: &random)
          batch.candles.append(.live(candle, series))
          outcomes.append(model.take(candle, series))
        }
        batches.append(batch)
        expected.append(outcomes)
      }
      #expect(try store.commit(batches) == expected)
    }
    for (series, minutes) in model {
      let stored = try store.candles(series).map(\.candle)
      #expect(stored == minutes.sorted { $0.key < $1.key }.map { $0.value.last! })
      let revised = minutes.filter { $0.value.count > 1 }.sorted { $0.key < $1.key }.flatMap(\.value)
      #expect(try store.revisions(series, in: .all, asOf: .distantFuture).map(\.record.candle) == revised)
      let summary = try #require(try store.summary(of: series))
      #expect(summary.rows == minutes.count)
      #expect(summary.revisions == minutes.values.reduce(0) { $0 + $1.count - 1 })
      #expect(summary.firstOpenTime == minutes.keys.min())
      #expect(summary.lastOpenTime == minutes.keys.max())
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `a commit that fails leaves no trace, and the next one knows nothing of it`(kind: StoreKind) throws {
    let store = try places.open(kind)
    let candles = Candle.random(3, seed: 4)
    try store.commit(.of([candles[0]], knownAt: time(1)))
    try store.execute("ALTER TABLE data_quality_logs RENAME TO elsewhere")
    var batch = LiveBatch.of([candles[0].changed, candles[1]], knownAt: time(2))
    batch.ledger = [LedgerRange(.bitcoin, .minutes, 0..<5, .live, since: time(2))]
    batch.quality = [QualityEvent(series: .bitcoin, type: "gap", createdAt: time(2))]
    #expect(throws: StoreError.self) { try store.commit(batch) }
    #expect(try store.candles(.bitcoin).map(\.candle) == [candles[0]])
    #expect(try store.ledger(.bitcoin, .minutes).isEmpty)
    try store.execute("ALTER TABLE elsewhere RENAME TO data_quality_logs")
    #expect(try store.commit(batch) == [.revised, .new])
    #expect(try store.ledger(.bitcoin, .minutes) == batch.ledger)
    #expect(try store.qualityEvents(nil, unresolvedOnly: false, limit: 9) == batch.quality)
  }

  // MARK: Predictions

  @Test(arguments: StoreKind.allCases)
  func `a prediction is stored once, whoever repeats it`(kind: StoreKind) throws {
    let store = try places.open(kind)
    let predictions = PredictionLogTests.predictions(40)
    var batch = LiveBatch(knownAt: time(1))
    batch.predictions = Array(predictions[..<30]) + Array(predictions[..<5])
    try store.commit(batch)
    batch.predictions = Array(predictions[20...])
    batch.predictions[0].latencyNanoseconds += 1
    try store.commit([batch, batch])
    #expect(try store.predictions() == predictions)
    #expect(try store.insert(predictions) == 0)
  }

  // MARK: Ledger

  @Test(arguments: StoreKind.allCases, Soak.seedsOfStores(6))
  func `a ledger is the same in the table as in memory`(kind: StoreKind, seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var maps: [Series: LedgerMap] = [:]
    var store = try places.open(kind)
    let states: [LedgerState] = [.live, .missing, .patched(from: "rest"), .lost(reason: "the venue's reason")]
    for round in 0..<80 {
      if round % 20 == 19 {
        _ = consume store
        store = try places.open(kind)
      }
      var batch = LiveBatch(knownAt: time(round))
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let series: Series = Bool.random(using: &random) ? .bitcoin : .ether
        let from = Int64.random(in: 0..<500, using: &random)
        let range = from..<from + Int64.random(in: 1..<60, using: &random)
        let state = states[Int.random(in: 0..<4, using: &random)]
        batch.ledger.append(LedgerRange(series, .trades, range, state, since: time(round)))
        maps[series, default: LedgerMap()].set(range, state, since: time(round))
      }
      try store.commit(batch)
    }
    _ = consume store
    store = try places.open(kind)
    for (series, map) in maps {
      let expected = map.runs.map { LedgerRange(series, .trades, $0.range, $0.state, since: $0.since) }
      #expect(try store.ledger(series, .trades) == expected)
      #expect(try store.ledger(series, .minutes).isEmpty)
    }
  }

  // MARK: Quality

  @Test(arguments: StoreKind.allCases)
  func `a quality event is opened once and closed in its row`(kind: StoreKind) throws {
    let store = try places.open(kind)
    var gap = QualityEvent(series: .bitcoin, type: "gap", createdAt: time(5), candlesMissing: 3, details: "{\"a\":1}")
    let stale = QualityEvent(series: .ether, type: "stale", createdAt: time(7))
    var batch = LiveBatch(knownAt: time(8))
    batch.quality = [gap, stale]
    try store.commit(batch)
    #expect(try store.qualityEvents(nil, unresolvedOnly: true, limit: 9) == [stale, gap])
    gap.resolvedAt = time(9)
    gap.candlesMissing = 0
    batch.quality = [gap, gap]
    try store.commit(batch)
    #expect(try store.qualityEvents(nil, unresolvedOnly: false, limit: 9) == [stale, gap])
    #expect(try store.qualityEvents(nil, unresolvedOnly: true, limit: 9) == [stale])
    #expect(try store.qualityEvents(.bitcoin, unresolvedOnly: false, limit: 9) == [gap])
    #expect(try store.qualityEvents(.bitcoin, unresolvedOnly: true, limit: 9).isEmpty)
    #expect(try store.qualityEvents(nil, unresolvedOnly: false, limit: 1) == [stale])
  }

  @Test(arguments: StoreKind.allCases)
  func `quality events are found by when they were created, the end exclusive`(kind: StoreKind) throws {
    let store = try places.open(kind)
    var batch = LiveBatch(knownAt: time(9))
    batch.quality = (1...4).map { QualityEvent(series: .bitcoin, type: "gap", createdAt: time($0)) }
    batch.quality.append(QualityEvent(series: .bitcoin, type: "stale", createdAt: time(3), resolvedAt: time(4)))
    try store.commit(batch)
    func found(_ range: Range<Timestamp>, unresolvedOnly: Bool = false, limit: Int = 9) throws -> [Timestamp] {
      try store.qualityEvents(.bitcoin, in: range, unresolvedOnly: unresolvedOnly, limit: limit).map(\.createdAt)
    }
    #expect(try found(time(2)..<time(4)) == [time(3), time(3), time(2)])
    #expect(try found(time(2)..<time(4), unresolvedOnly: true) == [time(3), time(2)])
    #expect(try found(time(2)..<time(4), limit: 1) == [time(3)])
    #expect(try found(.all).count == 5)
    #expect(try found(time(5)..<time(5)).isEmpty)
  }

  // MARK: Oracles

  private func tick(
    _ second: Int64, _ price: String, _ quantity: OracleTick.Quantity = .price, _ source: OracleSource = .relay
  ) -> OracleTickRecord {
    let time = Timestamp.start.adding(microseconds: second * 1_000_000)
    return OracleTickRecord(
      venue: .chainlink,
      tick: OracleTick(
        feed: feed, source: source, quantity: quantity, time: time, price: OraclePrice(price)!,
        bid: source == .dataStreams ? OraclePrice("1") : nil),
      availableAt: time.adding(microseconds: 70_000))
  }

  private func ticks(
    _ store: any Store, asOf: Timestamp = .distantFuture, in range: Range<Timestamp> = .all
  ) throws -> [OracleTickRecord] {
    var result: [OracleTickRecord] = []
    try store.readOracleTicks(.chainlink, feed, in: range, asOf: asOf) { result += $0 }
    return result
  }

  @Test(arguments: StoreKind.allCases)
  func `ticks keep eighteen decimals and are stored once`(kind: StoreKind) throws {
    let store = try places.open(kind)
    let some = [
      tick(0, "65000.123456789012345678"), tick(0, "64999", .timeWeightedMean(seconds: 30)),
      tick(0, "64998", .timeWeightedMean(seconds: 60)), tick(0, "-0.000000000000000001", .price, .onChain),
      tick(100_000, "99999999999999999999.999999999999999999", .price, .dataStreams),
    ]
    var batch = LiveBatch(knownAt: time(1))
    batch.ticks = Array(some[1...]) + [some[1]]
    try store.commit(batch)
    var second = LiveBatch(knownAt: time(2))
    second.ticks = some.map {
      var other = $0; other.tick.price = OraclePrice("1")!; return other
    }
    second.ticks[0] = some[0]
    try store.commit(second)
    let stored = try ticks(store)
    #expect(Set(stored.map(\.tick)) == Set(some.map(\.tick)))
    #expect(stored.map(\.tick.time) == some.map(\.tick.time))
    #expect(stored.filter { $0.knownAt == time(2) }.map(\.tick) == [some[0].tick])
    #expect(try ticks(store, asOf: time(1)).count == 4)
    #expect(try ticks(store, in: .start..<Timestamp.start.adding(microseconds: 1)).count == 4)
    try store.readOracleTicks(Venue("sim-chainlink")!, feed, in: .all, asOf: .distantFuture) { _ in
      Issue.record("a tick of another venue")
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `an oracle's minute keeps its versions`(kind: StoreKind) throws {
    let store = try places.open(kind)
    func minutes(asOf: Timestamp) throws -> [OracleMinute] {
      var result: [OracleMinute] = []
      try store.readOracleMinutes(.chainlink, feed, in: .all, asOf: asOf) { result += $0 }
      return result
    }
    var minute = OracleMinute(
      feed: feed, openTime: time(0), open: OraclePrice("2")!, high: OraclePrice("4.000000000000000001")!,
      low: OraclePrice("1")!, close: OraclePrice("3")!, ticks: 12, isSampled: true)
    let first = minute
    var batch = LiveBatch(knownAt: time(1))
    batch.oracleMinutes = [OracleMinuteRecord(venue: .chainlink, minute: minute, availableAt: time(1))]
    try store.commit([batch, batch])
    minute.ticks = 60
    minute.isSampled = false
    batch.knownAt = time(3)
    batch.oracleMinutes = [OracleMinuteRecord(venue: .chainlink, minute: minute, availableAt: time(2))]
    try store.commit([batch, batch])
    var next = minute
    next.openTime = time(2880)
    batch.oracleMinutes = [OracleMinuteRecord(venue: .chainlink, minute: next, availableAt: time(2881))]
    try store.commit(batch)
    #expect(try minutes(asOf: .distantFuture) == [minute, next])
    #expect(try minutes(asOf: time(2)) == [first])
    #expect(try store.number("SELECT count(*) FROM oracle_minutes") == 3)
    let sql = "SELECT count(*) FROM oracle_minutes WHERE revision = 1 AND available_at = known_at"
    #expect(try store.number(sql) == 1)
  }

  // MARK: Tables as they are printed

  @Test(arguments: StoreKind.allCases)
  func `market data stands in its columns under rising ids`(kind: StoreKind) throws {
    let store = try places.open(kind)
    var batch = LiveBatch(knownAt: time(4))
    batch.marketData = [
      MarketDataRow(
        series: .bitcoin, time: time(3), price: Decimal8("45230.5")!, volume: Decimal8("0.25")!, source: "sbe",
        dataType: "trade"),
      MarketDataRow(
        series: Series("sim-binance:BTCUSDT")!, time: time(4), price: Decimal8("45230")!, bidPrice: Decimal8("45229")!,
        askPrice: Decimal8("45231")!, source: "synthetic", dataType: "quote"),
    ]
    try store.commit([batch, batch])
    try store.execute(
      """
      INSERT INTO market_data (symbol, timestamp, price, source, venue)
      VALUES ('ETHUSDT', \(time(4).milliseconds), 1.5, 'rest', 'binance')
      """)
    let same = """
      SELECT count(*) FROM market_data WHERE id IN (1, 3) AND symbol = 'BTCUSDT' AND price = 45230.5 AND volume = 0.25
        AND timestamp = \(time(3).milliseconds) AND bid_price IS NULL AND source = 'sbe' AND data_type = 'trade'
        AND created_at = TIMESTAMPTZ '\(time(4))' AND venue = 'binance'
      """
    #expect(try store.number(same) == 2)
    #expect(try store.number("SELECT count(DISTINCT id) FROM market_data") == 5)
    #expect(try store.number("SELECT count(*) FROM market_data WHERE created_at IS NULL") == 0)
    #expect(try store.number("SELECT count(*) FROM market_data WHERE ask_price = 45231") == 2)
  }

  @Test(arguments: StoreKind.allCases)
  func `market data is read by series and range, in the order of time and of one time as it was stored`(
    kind: StoreKind
  ) throws {
    let store = try places.open(kind)
    var random = SplitMix64(seed: 12)
    let all = [Series.bitcoin, .ether, Series("sim-binance:BTCUSDT")!]
    var stored: [MarketDataRecord] = []
    for number in 0..<10 {
      var batch = LiveBatch(knownAt: time(60 + number))
      batch.marketData = (0..<3000).map { _ in
        let price = Decimal8(units: .random(in: 1...99_999_999_999_999_999_999, using: &random))!
        let moment = Int64.random(in: 0..<900, using: &random)
        return MarketDataRow(
          series: all.randomElement(using: &random)!, time: time(3).adding(microseconds: moment * 1000), price: price,
          volume: Bool.random(using: &random) ? nil : price, bidPrice: Bool.random(using: &random) ? nil : price,
          askPrice: Bool.random(using: &random) ? nil : price, source: "stream", dataType: "trade")
      }
      stored += batch.marketData.map { MarketDataRecord(row: $0, knownAt: batch.knownAt) }
      try store.commit(batch)
    }
    let (from, to) = (time(3).adding(microseconds: 99_001), time(3).adding(microseconds: 800_000))
    for series in all {
      for range in [.distantPast..<Timestamp.distantFuture, from..<to, to..<to] {
        var read: [MarketDataRecord] = []
        try store.readMarketData(series, in: range) { read += $0 }
        let expected = stored.filter { $0.row.series == series && range.contains($0.row.time) }
          .enumerated().sorted { ($0.element.row.time, $0.offset) < ($1.element.row.time, $1.offset) }
          .map(\.element)
        #expect(read == expected, "\(series) \(range)")
      }
    }
  }

  @Test(arguments: StoreKind.allCases)
  func `the printed queries of the live tables run`(kind: StoreKind) throws {
    let store = try places.open(kind)
    var batch = LiveBatch.of(Candle.random(10, seed: 1), knownAt: time(20))
    batch.quality = [QualityEvent(series: .bitcoin, type: "gap", createdAt: time(5), candlesMissing: 3)]
    try store.commit(batch)
    let queries = [
      "SELECT COUNT(*) FROM candles_1m;",
      "SELECT time, close FROM candles_1m ORDER BY time DESC LIMIT 5;",
      "SELECT event_type, COUNT(*) FROM data_quality_logs GROUP BY event_type;",
      "SELECT * FROM data_quality_logs ORDER BY created_at DESC LIMIT 10;",
      """
      SELECT 
        DATE_TRUNC('minute', time) as minute,
        COUNT(*) as candles_per_minute
      FROM candles_1m
      WHERE time > NOW() - INTERVAL '1 hour'
      GROUP BY DATE_TRUNC('minute', time)
      ORDER BY minute DESC;
      """,
      """
      SELECT 
        event_type,
        COUNT(*) as count,
        SUM(COALESCE(candles_missing, 0)) as total_missing
      FROM data_quality_logs
      WHERE created_at > NOW() - INTERVAL '24 hours'
      GROUP BY event_type;
      """,
    ]
    for query in queries { try store.execute(query) }
    #expect(try store.number("SELECT count(*) FROM candles_1m") == 10)
    #expect(try store.number("SELECT candles_missing FROM data_quality_logs") == 3)
  }
}

extension LiveCandle {
  static func live(_ candle: Candle, _ series: Series = .bitcoin) -> LiveCandle {
    LiveCandle(
      series,
      CandleRecord(
        candle: candle, availableAt: candle.closeTime, knownAt: .distantPast, provenance: .live,
        isAvailabilityAssumed: false))
  }
}

extension LiveBatch {
  static func of(_ candles: [Candle], knownAt: Timestamp) -> LiveBatch {
    var batch = LiveBatch(knownAt: knownAt)
    batch.candles = candles.map { .live($0) }
    return batch
  }
}

extension [Series: [Timestamp: [Candle]]] {
  /// Keeps every version and says what a candle was.
  fileprivate mutating func take(_ candle: Candle, _ series: Series) -> CandleOutcome {
    let versions = self[series]?[candle.openTime] ?? []
    if let last = versions.last, last.covers(candle) { return .unchanged }
    self[series, default: [:]][candle.openTime, default: []].append(candle)
    return versions.isEmpty ? .new : .revised
  }
}
