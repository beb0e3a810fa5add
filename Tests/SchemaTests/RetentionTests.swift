import Market
import TestSupport
import Testing

@testable import Storage

struct RetentionTests {
  private let now = Timestamp("2026-11-21T09:30:00Z")!

  private func candle(daysAgo: Int) -> Candle {
    var candle = RandomWalk()(seed: UInt64(daysAgo), count: 1)[0]
    candle.openTime = now.adding(minutes: -daysAgo * 1440)
    return candle
  }

  private func live(_ candle: Candle, _ series: Series = Filling.series) -> LiveCandle {
    LiveCandle(
      series,
      CandleRecord(
        candle: candle, availableAt: candle.closeTime, knownAt: candle.closeTime, provenance: .live,
        isAvailabilityAssumed: false))
  }

  private let ether = Series("binance:ETHUSDT")!

  /// Something of every kind for each of some ages.
  private func fill(_ store: any Store, daysAgo days: [Int]) throws {
    for age in days.sorted(by: >) {
      let time = now.adding(minutes: -age * 1440)
      var batch = LiveBatch(knownAt: time)
      batch.candles = [live(candle(daysAgo: age)), live(candle(daysAgo: age), ether)]
      for mode in Prediction.Mode.allCases {
        batch.predictions.append(
          Prediction(
            time: time, availableAt: time, view: Filling.view, target: Filling.target, probabilityUp: 0.6,
            confidence: 0.6, modelName: .ensemble, version: "v", featureSetHash: "h", inputHash: 1, state: "fresh",
            reason: "", mode: mode, latencyNanoseconds: 1))
      }
      batch.features = [
        FeatureRow(time: time, view: Filling.view, featureSetHash: "h", version: "", json: "{\"raw\":{}}")
      ]
      batch.marketData = [
        MarketDataRow(series: Filling.series, time: time, price: Decimal8("1")!, source: "stream", dataType: "trade")
      ]
      batch.quality = [
        QualityEvent(series: Filling.series, type: "gap", createdAt: time, resolvedAt: time),
        QualityEvent(series: Filling.series, type: "stale", createdAt: time),
      ]
      batch.log = [SystemLogRow(time: time, category: "feed", level: "info", message: "a line")]
      let minute = time.minute
      batch.ledger = [LedgerRange(Filling.series, .minutes, minute..<minute + 1, .live, since: time)]
      try store.commit(batch)
    }
  }

  private func ages(_ tested: TestedStore, _ column: String, _ table: String) throws -> [Int] {
    try tested.rows("SELECT (extract(epoch FROM \(column)) / 60)::BIGINT AS minute FROM \(table) ORDER BY 1 DESC").map {
      (Int(now.minute) - (Int($0[0]) ?? 0)) / 1440
    }
  }

  @Test(arguments: TestedStore.kinds)
  func `each kind of row is kept as long as its policy says`(kind: TestedStore.Kind) throws {
    let tested = try TestedStore(kind)
    let store = tested.store
    try fill(store, daysAgo: [0, 29, 31, 32, 33, 92, 93, 94, 396, 397, 398])
    let removed = try store.removeExpired(RetentionPolicy(), at: now)
    #expect(
      try store.candles(Filling.series).map { now.minutes(since: $0.candle.openTime) / 1440 }
        == [396, 94, 93, 92, 33, 32, 31, 29, 0])
    #expect(try ages(tested, "time", "predictions WHERE mode = 'live'") == [0, 29, 31, 32, 33, 92])
    #expect(try ages(tested, "time", "predictions WHERE mode = 'replay'").count == 11)
    #expect(try ages(tested, "time", "feature_cache") == [0, 29, 31])
    #expect(try ages(tested, "created_at", "data_quality_logs WHERE resolved") == [0, 29])
    #expect(try ages(tested, "created_at", "data_quality_logs WHERE NOT resolved").count == 11)
    #expect(try ages(tested, "timestamp", "\"systemLogs\"") == [0, 29])
    #expect(try tested.number("SELECT count(*) FROM market_data") == 2)
    #expect(removed.candles == 4)
    #expect(removed.predictions == 5)
    #expect(removed.features == 8)
    #expect(removed.rest == 27)
    #expect(try store.removeExpired(RetentionPolicy(), at: now).isEmpty)
  }

  @Test(arguments: TestedStore.kinds)
  func `the summary and the ledger of a series say what is left`(kind: TestedStore.Kind) throws {
    let tested = try TestedStore(kind)
    let store = tested.store
    try fill(store, daysAgo: [0, 10, 500, 600])
    var batch = LiveBatch(knownAt: now)
    batch.candles = [live(candle(daysAgo: 10).raised(cents: 5)), live(candle(daysAgo: 500).raised(cents: 5))]
    try store.commit(batch)
    _ = try store.removeExpired(RetentionPolicy(), at: now)
    let summary = try #require(try store.summary(of: Filling.series))
    #expect(summary.rows == 2)
    #expect(summary.revisions == 1)
    #expect(summary.firstOpenTime == candle(daysAgo: 10).openTime)
    #expect(summary.lastOpenTime == candle(daysAgo: 0).openTime)
    #expect(try store.ledger(Filling.series, .minutes).map { now.minute - $0.range.lowerBound } == [14_400, 0])
    #expect(try store.commit(batch) == [.unchanged, .new])
  }

  @Test(arguments: TestedStore.kinds)
  func `a run of the ledger that reaches over the border begins there`(kind: TestedStore.Kind) throws {
    let tested = try TestedStore(kind)
    let store = tested.store
    let border = RetentionPolicy().firstCandle(at: now).minute
    try fill(store, daysAgo: [0, 500])
    var batch = LiveBatch(knownAt: now)
    batch.ledger = [LedgerRange(ether, .minutes, border - 100..<border + 100, .live, since: now)]
    try store.commit(batch)
    _ = try store.removeExpired(RetentionPolicy(), at: now)
    #expect(try store.ledger(ether, .minutes).map(\.range) == [border..<border + 100])
  }

  @Test(arguments: TestedStore.kinds)
  func `a pinned range stays, and only that of its series`(kind: TestedStore.Kind) throws {
    let tested = try TestedStore(kind)
    let store = tested.store
    try fill(store, daysAgo: [0, 450, 500, 600])
    let range = now.adding(minutes: -550 * 1440)..<now.adding(minutes: -480 * 1440)
    let pin = RetentionPin(series: Filling.series, range: range, reason: "imported", pinnedAt: now)
    try store.pin(pin)
    try store.pin(pin)
    #expect(try store.pins() == [pin])
    let expiring = try store.expiringCandles(RetentionPolicy(), at: now)
    #expect(expiring.map(\.series) == [Filling.series, ether])
    #expect(expiring.map(\.rows) == [2, 3])
    _ = try store.removeExpired(RetentionPolicy(), at: now)
    #expect(try store.candles(Filling.series).map { now.minutes(since: $0.candle.openTime) / 1440 } == [500, 0])
    #expect(try store.candles(ether).map { now.minutes(since: $0.candle.openTime) / 1440 } == [0])
    #expect(try store.summary(of: Filling.series)?.rows == 2)
  }

  @Test(arguments: TestedStore.kinds)
  func `a series of which everything goes is empty and can be filled again`(kind: TestedStore.Kind) throws {
    let tested = try TestedStore(kind)
    let store = tested.store
    try fill(store, daysAgo: [500])
    _ = try store.removeExpired(RetentionPolicy(), at: now)
    #expect(try store.summary(of: Filling.series) == nil)
    try fill(store, daysAgo: [1])
    #expect(try store.summary(of: Filling.series)?.rows == 1)
  }

  @Test(arguments: TestedStore.kinds)
  func `a cleanup that fails leaves everything as it was`(kind: TestedStore.Kind) throws {
    let tested = try TestedStore(kind)
    let store = tested.store
    try fill(store, daysAgo: [0, 500])
    try tested.run("ALTER TABLE \"systemLogs\" RENAME TO elsewhere")
    #expect(throws: StoreError.self) { try store.removeExpired(RetentionPolicy(), at: now) }
    #expect(try store.candles(Filling.series).count == 2)
    #expect(try store.summary(of: Filling.series)?.rows == 2)
  }

  // MARK: Accuracy

  @Test(arguments: TestedStore.kinds)
  func `accuracy is by day, model and version, of live predictions with an outcome`(kind: TestedStore.Kind) throws {
    let tested = try TestedStore(kind)
    let store = tested.store
    let day = Timestamp(minute: now.day * 1440)
    var batch = LiveBatch(knownAt: now)
    func add(_ minute: Int, _ probability: Double, _ model: ModelName, _ mode: Prediction.Mode = .live) {
      batch.predictions.append(
        Prediction(
          time: day.adding(minutes: minute), availableAt: day, view: Filling.view, target: Filling.target,
          probabilityUp: probability, confidence: probability, modelName: model, version: "v", featureSetHash: "h",
          inputHash: 1, state: "fresh", reason: "", mode: mode, latencyNanoseconds: 1))
    }
    add(-1, 0.9, .a)
    add(0, 0.8, .a)
    add(1, 0.4, .a)
    add(1, 0.25, .ensemble)
    add(2, 0.7, .a)
    add(1, 0.1, .a, .replay)
    try store.commit(batch)
    let unsettled = try store.predictionsWithoutOutcome(in: .all)
    #expect(unsettled.map(\.times) == [[-1, 0, 1, 2].map { day.adding(minutes: $0) }])
    try store.setOutcomes(
      [(-1, 0), (0, 1), (1, 1)].map { minute, value in
        PredictionOutcome(
          time: day.adding(minutes: minute), view: Filling.view, target: Filling.target, value: value, knownAt: now)
      })
    #expect(try store.predictionsWithoutOutcome(in: .all).map(\.times) == [[day.adding(minutes: 2)]])
    let outcomes = try store.outcomes(of: Filling.view, in: day..<day.adding(minutes: 2), target: nil)
    #expect(outcomes.map(\.time) == [day, day.adding(minutes: 1)])
    #expect(outcomes.map(\.value) == [1, 1])
    #expect(outcomes.allSatisfy { $0.target == Filling.target && $0.knownAt == now })
    for _ in 0..<2 { #expect(try store.rollUpAccuracy(from: day.adding(minutes: -1), at: now) == 3) }
    let rows = try store.accuracy()
    #expect(rows.map(\.day) == [day.adding(minutes: -1440), day, day])
    #expect(rows.map(\.model) == [.a, .ensemble, .a])
    let today = try #require(rows.first { $0.day == day && $0.model == .a })
    #expect(today.count == 2)
    #expect(today.accuracy == 0.5)
    #expect(abs((today.brier ?? 0) - (0.04 + 0.36) / 2) < 1e-12)
    #expect(abs((today.logLoss ?? 0) - 0.5 * (0.2231435513142097 + 0.9162907318741551)) < 1e-12)
    #expect(today.meanAbsoluteError == nil)
  }
}
