import Features
import Ingestion
import Market

enum FeatureBenchmarks {
  static let all = [
    Benchmark("features.batch", peer: "peer.features_25_batch") { name, path in
      let candles = try CandleColumn.read(path)
      return Measurement.seconds(name, n: candles.count) {
        var engine = FeatureEngine()
        var sum = 0.0
        engine.fold(candles) { _, values in sum += values[0] }
        precondition(!sum.isInfinite, "the work must not be optimised away")
      }
    },
    Benchmark("features.update", peer: "peer.feature_step") { name, path in
      let candles = try CandleColumn.read(path)
      var engine = FeatureEngine()
      let count = min(200_000, candles.count * 9 / 10)
      var vector = [Float](repeating: 0, count: FeatureSet.candles.count)
      var next = 0
      return Measurement.latency(name, count: count) { _ in
        engine.update(candles[next])
        var span = vector.mutableSpan
        engine.write(into: &span)
        next += 1
      }
    },
  ]
}

/// A candle file as the kernel reads it.
enum CandleColumn {
  static func read(_ path: String) throws -> [FeatureInput] {
    let reader = try CandleFileReader(path: path)
    var candles: [FeatureInput] = []
    while let batch = try reader.next() { candles += batch.map(FeatureInput.init) }
    return candles
  }
}
