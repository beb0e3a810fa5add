import Features
import Market
import Models
import Pipeline
import TestSupport

/// One decision as serving makes it: a candle folded into features, then A, B, C, MLP, calibrators and ensemble, with
/// weights of a fitted version's size.
enum PredictionBenchmarks {
  static let all = [
    Benchmark("pipeline.decision", peer: "peer.hybrid_prediction") { name, path in
      let candles = try CandleColumn.read(path).map(\.record)
      let folder = try ScratchFolder()
      var pipeline = PredictionPipeline(view: MadeVersion.view, mode: .replay)
      let made = MadeVersion(target: .direction(horizonMinutes: 15), columns: .candles, treeCount: 400, depth: 5)
      let set = FeatureSet.candles
      let bundle = try ModelBundle(
        path: made.write(in: folder.path), view: MadeVersion.view, featureSetHash: set.hash.description,
        columnNames: set.names)
      pipeline.serve(made.target, with: ServedVersion(bundle, standing: .production))
      var sink = LastPrediction()
      var next = 0
      let series = MadeVersion.view.price
      return Measurement.latency(name, count: min(100_000, candles.count * 9 / 10)) { _ in
        _ = pipeline.step(.candle(series, candles[next]), into: &sink)
        next += 1
      }
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

  mutating func receive(_ prediction: Prediction) { probability = prediction.probabilityUp ?? probability }
}
