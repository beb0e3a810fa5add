import Features
import Market
import Models
import Pipeline
import Platform
import Storage
import TestSupport

@testable import candlecast

/// What the program's own writers put into a store, and what is in it afterwards.
struct Filling {
  /// A whole minute: the close of the newest candle.
  let now: Timestamp
  let candles: [Candle]
  let predictions: [Prediction]
  let features: [FeatureRow]
  let version: String
  let registry: Registry
  private let batches: [LiveBatch]
  static let series = Series(.binance, .btcusdt)
  static let view = MarketView(price: series)
  static let target = PredictionTarget.direction(horizonMinutes: 15)

  /// Enough for all features, and for some hours of predictions.
  private static let minutes = 700

  /// What a live feed brings is computed once for all tests.
  private static let feed = Result { try Feed() }

  private struct Feed {
    let now = Timestamp(minute: SystemClock.now().minute)
    let candles: [Candle]
    let batches: [LiveBatch]

    init() throws {
      candles = TestedCandles.walk(seed: 7, count: minutes, endingAt: now)
      let folder = try TemporaryFolder()
      let set = FeatureSet.candles
      let bundle = try ModelBundle(
        path: try made.write(in: folder.path), view: view, featureSetHash: set.hash.description,
        columnNames: set.names)
      let predictor = LivePredictor(view: view, mode: .live, cachedTarget: target)
      predictor.serve(target, with: ServedVersion(bundle, standing: .production))
      batches = stride(from: 0, to: minutes, by: 100).map { [candles] start in
        Filling.batch(candles[start..<min(start + 100, minutes)], predictor)
      }
    }
  }

  private static var made: TestSupport.MadeVersion {
    let set = FeatureSet.candles
    return TestSupport.MadeVersion(
      target: target, view: view,
      columns: .init(
        hash: set.hash.description, names: set.names, model: set.modelColumns.map { set.names[$0] },
        sequence: set.sequenceColumns.map { set.names[$0] }))
  }

  /// - Parameter folder: of the registry.
  init(_ folder: String) throws {
    let feed = try Self.feed.get()
    (now, candles, batches) = (feed.now, feed.candles, feed.batches)
    (predictions, features) = (batches.flatMap(\.predictions), batches.flatMap(\.features))
    registry = Registry(path: folder + "/models")
    version = Self.made.name
    let time = now.adding(minutes: -1440)
    try registry.register(staged: try Self.made.write(in: folder), at: time, who: "test", why: "a filling")
    try registry.promote(VersionName(version)!, at: time.adding(minutes: 1), who: "test", why: "a filling")
  }

  /// Everything that a live feed, a training and the registry write.
  func write(to store: any Store) throws {
    try store.commit(batches)
    try store.commit(quality)
    try store.recordTraining(of: version, at: now.adding(minutes: -1440))
    try store.setModels(try registry.models())
  }

  private static func batch(_ candles: ArraySlice<Candle>, _ predictor: LivePredictor) -> LiveBatch {
    var batch = LiveBatch(knownAt: candles[candles.endIndex - 1].closeTime)
    for candle in candles {
      let record = CandleRecord(
        candle: candle, availableAt: candle.closeTime, knownAt: candle.closeTime, provenance: .live,
        isAvailabilityAssumed: false)
      batch.candles.append(LiveCandle(series, record))
      batch.predictions += predictor.take([.candle(series, record)], now: candle.closeTime)
        .filter { $0.probabilityUp != nil }
      batch.features += predictor.features
    }
    batch.ledger = [
      LedgerRange(
        series, .minutes, candles[candles.startIndex].openTime.minute..<batch.knownAt.minute, .live,
        since: batch.knownAt)
    ]
    batch.log = [
      SystemLogRow(
        time: batch.knownAt, category: "feed", level: "info", message: "candles", context: "{\"count\": 100}",
        symbol: "BTCUSDT")
    ]
    return batch
  }

  private var quality: LiveBatch {
    var batch = LiveBatch(knownAt: now)
    func event(_ type: String, minutesAgo: Int, missing: Int? = nil) -> QualityEvent {
      QualityEvent(
        series: Self.series, type: type, createdAt: now.adding(minutes: -minutesAgo), candlesMissing: missing)
    }
    batch.quality = [
      event("gap", minutesAgo: 30, missing: 3), event("stale", minutesAgo: 90),
      event("gap", minutesAgo: 3000, missing: 4),
    ]
    batch.marketData = [
      MarketDataRow(
        series: Self.series, time: now, price: Decimal8("45230.5")!, volume: Decimal8("0.25")!, source: "stream",
        dataType: "trade")
    ]
    return batch
  }

  /// Predictions of each model of the version at one decision.
  var answersADecision: Int { Set(predictions.map(\.modelName)).count }

  /// Minutes that have begun since `now`, at most.
  var age: Int { SystemClock.now().minutes(since: now) + 1 }

  /// How many candles, so many to a row, opened within the last minutes, whenever since `now` that was asked.
  func counts(candlesOfMinutes minutes: Int64, of size: Int64) -> Set<String> {
    Set(
      (now.minute...SystemClock.now().minute).map { minute in
        "\(candles.filter { $0.openTime.minute > minute - minutes }.count / Int(size))"
      })
  }
}

extension Journal {
  fileprivate func recordTraining(of version: String, at time: Timestamp) throws {
    for (index, model) in ModelName.ofCandles.enumerated() where model != .baseline {
      try recordTraining(
        TrainingRecord(
          trainedAt: time.adding(minutes: index), view: Filling.view, target: Filling.target, version: version,
          modelName: model, trainedOn: time.adding(minutes: -5000)..<time, rows: 4000, logLoss: 0.69, auc: 0.51,
          accuracy: 0.525, verdict: "skill above zero", validationRows: 1000))
    }
  }
}

extension Decimal8 {
  /// With all eight decimals, as databases write it.
  var padded: String {
    let text = "\(units)"
    let digits = String(repeating: "0", count: max(0, 9 - text.count)) + text
    return digits.dropLast(8) + "." + digits.suffix(8)
  }
}
