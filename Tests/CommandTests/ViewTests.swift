import Dataset
import Features
import FoundationEssentials
import Learning
import Market
import Models
import Operations
import Storage
import Synchronization
import TestSupport
import Testing

@testable import candlecast

/// From the candles of a simulated oracle and a simulated exchange to a version that predicts on their view.
///
/// One after the other, because a store that is written to cannot be opened again by the same process.
@Suite(.serialized) struct ViewTests {
  static let view = MarketView("sim-chainlink:BTC/USD+sim-binance:BTCUSDT")!
  static let target = PredictionTarget.direction(horizonMinutes: 5)
  static let walk = RandomWalk(swing: 300)(seed: 7, count: 3200)
  /// Minutes that the exchange does not have.
  static let absent: Set<Int> = [1500, 1501, 2990, 3189]
  private static let learnt = Result { try Learnt() }

  /// A folder with a store, and a version trained on what is in it.
  private final class Learnt: Sendable {
    let folder: TemporaryFolder
    let name: VersionName
    let digest: String

    init() throws {
      folder = try TemporaryFolder()
      try ViewTests.fill(folder) { $0 }
      let dataset = try ViewTests.dataset(folder)
      digest = dataset.digest
      var plan = TrainingPlan(target: ViewTests.target)
      (plan.folds, plan.initialShare, plan.refits, plan.threads) = (2, 0.88, false, 1)
      (plan.thinningMinutes, plan.treeThinningMinutes) = (3, 7)
      for trees in [\TrainingPlan.trees, \.hybridTrees] {
        (plan[keyPath: trees].rounds, plan[keyPath: trees].depth) = (12, 3)
        (plan[keyPath: trees].minimumChildWeight, plan[keyPath: trees].learningRate) = (2, 0.2)
      }
      (plan.sequence.epochs, plan.perceptron.epochs, plan.sequence.batch, plan.perceptron.batch) = (1, 1, 64, 64)
      let models = folder.path + "/models"
      let staging = models + "/.training-1"
      try FileManager.default.createDirectory(atPath: staging, withIntermediateDirectories: true)
      let result = try TrainingRun(plan, dataset: dataset, created: ViewTests.walk[0].openTime, codeVersion: "1") { _ in
      }
      .run(writingTo: staging)
      name = try Registry(path: models).register(
        staged: "\(staging)/\(result.judged)", at: ViewTests.walk[0].openTime, who: "test", why: "test")
    }
  }

  /// Stores the oracle's candles, and the exchange's as `change` makes them.
  private static func fill(_ folder: TemporaryFolder, _ change: (Candle) -> Candle) throws {
    try Data("log:\n  directory: \(folder.path)/logs\n".utf8).write(to: URL(filePath: folder.path + "/c.yaml"))
    let store = try DuckDBStore(path: folder.path + "/s.duckdb")
    let stamp = WriteStamp(
      knownAt: walk[3199].closeTime.adding(minutes: 60), provenance: .archive,
      availability: .assumed(delayMicroseconds: 2_000_000))
    var prices = [walk.map(\.pricesOnly)].makeIterator()
    var volumes = [walk.indices.filter { !absent.contains($0) }.map { change(walk[$0]) }].makeIterator()
    _ = try store.write(to: view.price, stamp: stamp) { prices.next() }
    _ = try store.write(to: view.series[1], stamp: stamp) { volumes.next() }
  }

  private static func dataset(_ folder: TemporaryFolder) throws -> Dataset {
    let path = folder.path + "/s.duckdb"
    let store = try DuckDBStore(path: path, mode: .readOnly)
    let summaries = try view.series.map { try #require(try store.summary(of: $0)) }
    let request = DatasetCache.Request(
      view: view, summaries: summaries, range: walk[0].openTime..<walk[3000].openTime, asOf: nil)
    let entry = try DatasetCache(in: StoreLocation.duckDB(path: path).folder).dataset(
      request, from: store, isFresh: true
    ) { _ in }
    return try Dataset(path: entry.path)
  }

  private func run(
    _ folder: TemporaryFolder, _ words: [String], view: MarketView = ViewTests.view
  ) -> (code: ExitCode, output: String, error: String) {
    let output = Mutex("")
    let error = Mutex("")
    let program = Program(
      environment: ProcessInfo.processInfo.environment,
      output: { text in output.withLock { $0 += text } }, error: { text in error.withLock { $0 += text } })
    let common = [
      "--store", "duckdb:\(folder.path)/s.duckdb", "--models", folder.path + "/models", "--config",
      folder.path + "/c.yaml", "--view", "\(view)",
    ]
    let target = words[0] == "features" ? [] : ["--target", "\(Self.target)"]
    let code = program.run(words + common + target)
    return (code, output.withLock { $0 }, error.withLock { $0 })
  }

  private struct Replayed: Decodable {
    let decisions: Int
    let added: Int
    let fingerprint: String
  }

  private func replay(_ folder: TemporaryFolder) throws -> Replayed {
    let from = Self.walk[3000].openTime
    let result = run(folder, ["replay", "--from", "\(from)", "--to", "\(from.adding(minutes: 190))", "--json"])
    #expect(result.code == .done, "\(result.error)")
    return try JSONDecoder().decode(Replayed.self, from: Data(result.output.utf8))
  }

  @Test func `a version of the view says so, is synthetic, and cannot be promoted`() throws {
    let learnt = try Self.learnt.get()
    let card = try Registry(path: learnt.folder.path + "/models").directory(of: learnt.name).card()
    #expect(card.view == Self.view && card.isSynthetic)
    #expect(card.layout.featureSetHash == FeatureSet.oracle.hash.description)
    #expect(card.layout.columnNames == FeatureSet.oracle.names && card.dataset.sha256 == learnt.digest)
    for words in [["models", "promote", "latest"], ["models", "promote", "latest", "--force"]] {
      let refused = run(learnt.folder, words)
      #expect(refused.code == .failed)
      #expect(refused.error.contains("was trained on synthetic data and cannot go to production"))
    }
    let listed = run(learnt.folder, ["models", "list"])
    #expect(listed.output.contains("latest, synthetic"))
  }

  @Test func `it predicts, a replay has the same bits again, and explain finds them`() throws {
    let learnt = try Self.learnt.get()
    let first = try replay(learnt.folder)
    let again = try replay(learnt.folder)
    #expect(first.decisions == 190 && first.fingerprint == again.fingerprint && again.added == 0)
    // With volumes, and without.
    for minute in [3100, 3189] {
      let at = "\(Self.walk[minute].closeTime)"
      let predicted = run(learnt.folder, ["predict", "--at", at, "--json"])
      #expect(predicted.code == .done, "\(predicted.error)")
      #expect(predicted.output.contains("\"unpromoted\"") && predicted.output.contains(learnt.name.description))
      let explained = run(learnt.folder, ["explain", "--at", at, "--json"])
      #expect(explained.code == .done, "\(explained.error)")
      #expect(explained.output.contains("\"same bits\"") && explained.output.contains("taker_imbalance_1"))
    }
    let stored = try DuckDBStore(path: learnt.folder.path + "/s.duckdb").predictions()
    #expect(stored.allSatisfy { $0.view == Self.view && $0.featureSetHash == FeatureSet.oracle.hash.description })
  }

  @Test func `prices and quote amounts of the exchange change no bit of data, training or prediction`() throws {
    let learnt = try Self.learnt.get()
    let folder = try TemporaryFolder()
    try Self.fill(folder) { candle in
      var other = candle.raised(cents: 123_456)
      (other.quoteVolume, other.takerBuyQuote) = (Decimal8("3"), nil)
      return other
    }
    #expect(try Self.dataset(folder).digest == learnt.digest)
    try FileManager.default.copyItem(
      atPath: learnt.folder.path + "/models", toPath: folder.path + "/models")
    #expect(try replay(folder).fingerprint == replay(learnt.folder).fingerprint)
  }

  @Test func `volume columns are null exactly where the exchange has no minute`() throws {
    let dataset = try Self.dataset(try Self.learnt.get().folder)
    let set = FeatureSet.oracle
    let names = ["trades_per_minute", "mean_trade_size", "taker_imbalance_1", "obv"]
    for row in 400..<dataset.rowCount {
      let vector = dataset.features[row * dataset.featureCount..<(row + 1) * dataset.featureCount]
      for (column, value) in zip(set.columns, vector) where column.source == .volumes {
        if Self.absent.contains(row) { #expect(value.isNaN, "\(column.name) at \(row)") }
        if names.contains(column.name) { #expect(value.isNaN == Self.absent.contains(row)) }
      }
    }
  }

  @Test func `a version of another view is not found, and a view without its volumes is an error that says so`() throws
  {
    let learnt = try Self.learnt.get()
    let alone = MarketView(price: Self.view.price)
    let baseline = run(learnt.folder, ["predict", "--json"], view: alone)
    #expect(baseline.code == .done && !baseline.output.contains(learnt.name.description))
    let shown = run(learnt.folder, ["models", "show", "latest"], view: alone)
    #expect(shown.code == .wrongUsage && shown.error.contains("nothing is latest for"))
    let ether = MarketView(price: Self.view.price, volume: Series("sim-binance:ETHUSDT"))
    let missing = run(
      learnt.folder, ["replay", "--from", "\(Self.walk[3000].openTime)", "--to", "2030-01-01"], view: ether)
    #expect(missing.code == .badData)
    #expect(missing.error.contains("has no candles of sim-binance:ETHUSDT, which \(ether) takes volumes from"))
  }

  @Test func `features of the view are written without what needs quote amounts`() throws {
    let learnt = try Self.learnt.get()
    let path = learnt.folder.path + "/features.csv"
    let written = run(learnt.folder, ["features", "--out", path, "--from", "\(Self.walk[2985].openTime)"])
    #expect(written.code == .done && written.output.contains("\(FeatureSet.oracle.hash)"))
    let lines = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self).split(separator: "\n")
    #expect(lines[0].split(separator: ",").dropFirst().map(String.init) == FeatureSet.oracle.names)
    let column = try #require(FeatureSet.oracle.index(of: "trades_per_minute")) + 1
    let values = lines.dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false)[column] }
    #expect(values[4].isEmpty == false && values[5].isEmpty && !values[6].isEmpty)
  }

  @Test(arguments: ["leakage", "parity"]) func `the view passes the audits with the version`(what: String) throws {
    let learnt = try Self.learnt.get()
    let result = run(learnt.folder, ["audit", what, "--from", "\(Self.walk[2560].openTime)"])
    #expect(result.code == .done, "\(result.output) \(result.error)")
    #expect(result.output.contains(what == "parity" ? "all ways agree" : "no leak"))
  }
}
