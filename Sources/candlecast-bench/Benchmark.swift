/// One thing that is measured, and what the same work is called among the Python figures.
struct Benchmark: Sendable {
  let name: String
  /// Name in the peers' results; `nil` where nothing there is the same work.
  let peer: String?
  /// Measured only when it is asked for by its whole name.
  let isLong: Bool
  let measure: @Sendable (_ name: String, _ candles: String) async throws -> Measurement

  init(
    _ name: String, peer: String? = nil, isLong: Bool = false,
    measure: @escaping @Sendable (_ name: String, _ candles: String) async throws -> Measurement
  ) {
    (self.name, self.peer, self.isLong, self.measure) = (name, peer, isLong, measure)
  }

  func isMeant(by name: String) -> Bool { isLong ? self.name == name : self.name.hasPrefix(name) }
}

enum Benchmarks {
  static let all =
    MarketBenchmarks.all + VenueBenchmarks.all + FeatureBenchmarks.all + ImportBenchmarks.all
    + PredictionBenchmarks.all + TickBenchmarks.all + LiveBenchmarks.all + RunBenchmarks.all
}
