import Features
import Market
import Models
import Pipeline
import TestSupport
import Venues

/// One decision as serving makes it: a candle folded into features, then A, B, C, MLP, calibrators and ensemble, with
/// weights of a fitted version's size.
enum PredictionBenchmarks {
  static let all = [
    Benchmark("pipeline.decision", peer: "peer.hybrid_prediction") { name, path in
      let candles = try CandleColumn.read(path).map(\.record)
      var pipeline = try servedPipeline()
      var sink = LastPrediction()
      var next = 0
      let series = MadeVersion.view.price
      return Measurement.latency(name, count: min(100_000, candles.count * 9 / 10)) { _ in
        _ = pipeline.step(.candle(series, candles[next]), into: &sink)
        next += 1
      }
    },
    // The same from the venue's text on: decoded, made a candle, folded and predicted on.
    Benchmark("pipeline.event_to_prediction") { name, path in
      let candles = try CandleColumn.read(path).map(\.record.candle)
      var pipeline = try servedPipeline()
      var sink = LastPrediction()
      let (venue, series) = (BinanceProtocol(), MadeVersion.view.price)
      var (next, frame): (Int, [UInt8]) = (0, [])
      let measurement = try Measurement.latency(
        name, count: min(20_000, candles.count * 9 / 10), before: { _ in frame = klineFrame(candles[next]) }
      ) { _ in
        next += 1
        try frame.withUnsafeBufferPointer { bytes in
          try venue.decode(bytes, isBinary: false) { message in
            guard case .kline(_, let kline) = message, kline.isClosed else { return }
            _ = pipeline.step(.candle(series, CandleRecord(arrived: kline.candle)), into: &sink)
          }
        }
      }
      precondition(sink.count * 2 > next, "most frames lead to predictions")
      return measurement
    },
    Benchmark("models.lstm", peer: "peer.lstm_sequence") { name, _ in
      let made = MadeVersion(columns: .candles)
      var kernel = try SequenceKernel(tensors: try made.tensors())
      var generator = SplitMix64(seed: 1)
      let steps = (0..<256).map { _ in
        (0..<kernel.inputCount).map { _ in Float.random(in: -3...3, using: &generator) }
      }
      var sum: Float = 0
      let measurement = Measurement.latency(name, count: 20_000) { index in
        kernel.push(steps[index & 255])
        sum += kernel.run().map { kernel.margin($0, extras: [0, 0, 0]) } ?? 0
      }
      precondition(sum.isFinite, "the work must not be optimised away")
      return measurement
    },
    Benchmark("models.trees", peer: "peer.xgboost_row") { name, _ in
      let trees = try TreeEnsemble(json: MadeVersion.trees(features: 100, count: 300, depth: 6, seed: 1))
      var generator = SplitMix64(seed: 1)
      let rows = (0..<256).map { _ in (0..<100).map { _ in Float.random(in: -3...3, using: &generator) } }
      var sum: Float = 0
      let measurement = Measurement.latency(name, count: 50_000) { sum += trees.margin(rows[$0 & 255]) }
      precondition(sum.isFinite, "the work must not be optimised away")
      return measurement
    },
  ]
}

/// With one version for the next quarter of an hour.
private func servedPipeline() throws -> PredictionPipeline {
  let folder = try ScratchFolder()
  let made = MadeVersion(target: .direction(horizonMinutes: 15), columns: .candles, treeCount: 400, depth: 5)
  let set = FeatureSet.candles
  let bundle = try ModelBundle(
    path: made.write(in: folder.path), view: MadeVersion.view, featureSetHash: set.hash.description,
    columnNames: set.names)
  var pipeline = PredictionPipeline(view: MadeVersion.view, mode: .replay)
  pipeline.serve(made.target, with: ServedVersion(bundle, standing: .production))
  return pipeline
}

private func klineFrame(_ candle: Candle) -> [UInt8] {
  let text = """
    {"stream":"btcusdt@kline_1m","data":{"e":"kline","E":\(candle.closeTime.milliseconds),"s":"BTCUSDT","k":{\
    "t":\(candle.openTime.milliseconds),"T":\(candle.closeTime.milliseconds - 1),"s":"BTCUSDT","i":"1m",\
    "f":1,"L":1,"o":"\(candle.open)","c":"\(candle.close)","h":"\(candle.high)","l":"\(candle.low)",\
    "v":"\(candle.volume ?? .zero)","n":\(candle.trades ?? 0),"x":true,"q":"\(candle.quoteVolume ?? .zero)",\
    "V":"\(candle.takerBuyBase ?? .zero)","Q":"\(candle.takerBuyQuote ?? .zero)","B":"0"}}}
    """
  return Array(text.utf8)
}

extension CandleRecord {
  fileprivate init(arrived candle: Candle) {
    self.init(
      candle: candle, availableAt: candle.closeTime, knownAt: candle.closeTime, provenance: .live,
      isAvailabilityAssumed: false)
  }
}

extension MadeVersion.Columns {
  /// Those of the real feature set.
  static var candles: MadeVersion.Columns {
    let set = FeatureSet.candles
    return MadeVersion.Columns(
      hash: set.hash.description, names: set.names, model: set.modelColumns.map { set.names[$0] },
      sequence: set.sequenceColumns.map { set.names[$0] })
  }
}

extension FeatureInput {
  fileprivate var record: CandleRecord {
    func decimal(_ value: Double) -> Decimal8 { Decimal8(units: Int128((value * 1e8).rounded())) ?? .zero }
    let candle = Candle(
      openTime: openTime, open: decimal(open), high: decimal(high), low: decimal(low), close: decimal(close),
      volume: decimal(volume), quoteVolume: decimal(quoteVolume), trades: Int64(trades),
      takerBuyBase: decimal(takerBuyBase), takerBuyQuote: decimal(takerBuyQuote))
    return CandleRecord(
      candle: candle, availableAt: candle.closeTime, knownAt: candle.closeTime, provenance: .archive,
      isAvailabilityAssumed: true)
  }
}

private struct LastPrediction: PipelineSink {
  var probability = 0.0
  /// Candles that were predicted on.
  var count = 0
  private var time: Timestamp?

  mutating func receive(_ prediction: Prediction) {
    probability = prediction.probabilityUp ?? probability
    if prediction.time != time { (time, count) = (prediction.time, count + 1) }
  }
}
