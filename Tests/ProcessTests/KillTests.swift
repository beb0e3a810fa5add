import Features
import Market
import Models
import Storage
import TestSupport
import Testing

/// The real programs, killed as a power cut would.
@Suite(.serialized) struct KillTests {
  /// Ten runs each, every one killed at a moment of its own.
  @Test(arguments: Soak.isOn ? 0..<10 : UInt64(0)..<1)
  func `killed at any moment it loses, doubles and changes no candle`(seed: UInt64) async throws {
    let rehearsal = try await Rehearsal(
      Rehearsal.candles(seed: seed, hours: 72), speed: 600, streamedHours: 24, seed: seed)
    let folder = try TemporaryFolder()
    try Self.register(in: folder)
    var random = SplitMix64(seed: seed)
    var readySeconds: [Double] = []
    for _ in 0..<10 {
      let lasting = Duration.milliseconds(Int.random(in: 50...1500, using: &random))
      let start = ContinuousClock.now
      let live = try rehearsal.live(in: folder)
      var readyAt: Duration?
      while ContinuousClock.now - start < lasting {
        if readyAt == nil, try await live.isReady() { readyAt = ContinuousClock.now - start }
        try await Task.sleep(for: .milliseconds(2))
      }
      live.program.kill()
      if let readyAt { readySeconds.append(readyAt / .seconds(1)) }
    }
    let start = ContinuousClock.now
    let live = try rehearsal.live(in: folder)
    try await live.untilReady()
    readySeconds.append((ContinuousClock.now - start) / .seconds(1))
    try await live.untilCaughtUp()
    let stopped = try await live.stop()
    #expect(stopped.ending == .exited(0))
    #expect(stopped.isPrompt)
    readySeconds.sort()
    print(
      "seed \(seed): ready after \(readySeconds[readySeconds.count / 2]) s (median of \(readySeconds.count)), at most "
        + "\(readySeconds[readySeconds.count - 1]) s; ended within \(stopped.seconds) s")
    try await expectPlayedBack(rehearsal, folder)
  }

  /// A version of random weights, so that predictions depend on every feature.
  static func register(
    in folder: TemporaryFolder, models: String = "models",
    target: PredictionTarget = .direction(horizonMinutes: 15)
  ) throws {
    let set = FeatureSet.candles
    let columns = MadeVersion.Columns(
      hash: set.hash.description, names: set.names, model: set.modelColumns.map { set.names[$0] },
      sequence: set.sequenceColumns.map { set.names[$0] })
    let made = MadeVersion(
      target: target, name: "made-\(target)", view: MarketView(price: Rehearsal.series), columns: columns)
    _ = try Registry(path: folder.file(models)).register(
      staged: try made.write(in: folder.path), at: Timestamp(minute: 0), who: "test", why: "test")
  }

  private func expectPlayedBack(_ rehearsal: Rehearsal, _ folder: TemporaryFolder) async throws {
    let stored: [Prediction]
    do {
      let store = try folder.store()
      let first = try #require(try store.summary(of: Rehearsal.series)).firstOpenTime
      try expectWhole(store, Rehearsal.series, truth: try await rehearsal.truth(from: first))
      stored = try store.predictions().map(\.comparable)
    }
    let replay = try rehearsal.candlecast(
      [
        "replay", "--recording", "feature_store/tape", "--venue", "sim-binance", "--history", folder.storePath,
        "--store", "duckdb:" + folder.file("replayed.duckdb"),
      ], in: folder, name: "replay")
    #expect(try await replay.end() == .exited(0), "\(replay.error)")
    let replayed = try DuckDBStore(path: folder.file("replayed.duckdb"), mode: .readOnly).predictions()
      .map(\.comparable)
    print("\(stored.count) predictions stored, \(replayed.count) played back")
    let ofCandles = stored.filter { !$0.target.isOfTicks }
    #expect(Set(ofCandles.map(\.probabilityUp)).count > ofCandles.count / 4, "predictions hardly differ")
    #expect(stored.count == replayed.count)
    if let (ours, theirs) = zip(stored, replayed).first(where: { $0 != $1 }) {
      Issue.record("stored \(ours), played back \(theirs)")
    }
  }
}
