import Features
import Glibc
import Market
import Models
import Pipeline
import TestSupport
import Testing

/// Versions beside the one in production.
struct ArmTests {
  private static let target = PredictionTarget.direction(horizonMinutes: 15)
  private static let walk = RandomWalk()(seed: 1, count: 420).map(CandleRecord.init(archived:))

  /// Versions of different sizes predict differently.
  private static let versions = Result {
    let folder = try TemporaryFolder()
    return Dictionary(
      uniqueKeysWithValues: try ["a", "b", "c"].enumerated().map { place, name in
        let plain = MadeVersion.served(target)
        let made = MadeVersion(
          target: target, name: name, view: plain.view, columns: plain.columns, treeCount: place + 2, depth: 2)
        return (name, try made.bundle(in: folder))
      })
  }

  private func version(_ name: String) throws -> ServedVersion {
    let bundle = try #require(try Self.versions.get()[name])
    return ServedVersion(bundle, standing: name == "a" ? .production : .unpromoted(reason: "not in production"))
  }

  private func pipeline(_ main: String, _ arms: [ServedArm<ServedVersion>] = []) throws -> PredictionPipeline {
    var pipeline = PredictionPipeline(view: MadeVersion.view, mode: .live)
    pipeline.serve(Self.target, with: try version(main))
    pipeline.setArms(arms, of: Self.target)
    return pipeline
  }

  private func arms(share: Double) throws -> [ServedArm<ServedVersion>] {
    let part = try #require(ArmLine.parts(of: [share])[0])
    return [ServedArm(part: part, version: try version("b")), ServedArm(part: nil, version: try version("c"))]
  }

  private func step(_ records: some Sequence<CandleRecord>, _ pipeline: inout PredictionPipeline) -> [Prediction] {
    var kept = Kept()
    for record in records { _ = pipeline.step(MarketEvent(record), into: &kept) }
    return kept.predictions
  }

  // MARK: Shares

  @Test(arguments: 1...5 as ClosedRange<UInt64>)
  func `decisions fall evenly, minute after minute, and apart for each target`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let share = Double.random(in: 0.02...0.98, using: &random)
    let start = Timestamp(minute: Int64.random(in: 20_000_000...40_000_000, using: &random))
    let count = 20_000
    let (view, other) = (MadeVersion.view, PredictionTarget.window(lengthMinutes: 15))
    var (taken, both) = (0, 0)
    for minute in 0..<count {
      let time = start.adding(minutes: minute)
      guard ArmLine.place(of: time, Self.target, view) < share else { continue }
      taken += 1
      if ArmLine.place(of: time, other, view) < share { both += 1 }
    }
    /// A right one is outside of this once in a million.
    func isLikely(_ found: Int, of count: Int) -> Bool {
      abs(Double(found) - Double(count) * share) < 5 * (Double(count) * share * (1 - share)).squareRoot() + 1
    }
    #expect(isLikely(taken, of: count), "seed \(seed): \(taken) of \(count) for a share of \(share)")
    #expect(isLikely(both, of: taken), "seed \(seed): \(both) of \(taken) for a share of \(share)")
  }

  @Test func `where a decision falls never changes`() {
    let time = Timestamp("2024-03-01T12:00:00Z")!
    #expect(ArmLine.place(of: time, Self.target, MadeVersion.view) == 0.815548427289732)
  }

  @Test func `shares lie side by side`() {
    #expect(ArmLine.parts(of: [0.25, nil, 0.5]) == [0..<0.25, nil, 0.25..<0.75])
    #expect(ArmLine.parts(of: Array(repeating: 0.1, count: 10)).last == 0.8999999999999999..<0.9999999999999999)
    #expect(ArmLine.parts(of: []) == [])
  }

  // MARK: Predictions

  @Test func `each decision is served by one version, and a shadow answers all`() throws {
    var together = try pipeline("a", try arms(share: 0.4))
    let made = step(Self.walk, &together)
    var alone: [String: [Prediction]] = [:]
    for name in ["a", "b", "c"] {
      var one = try pipeline(name)
      alone[name] = step(Self.walk, &one)
    }
    let decisions = Dictionary(grouping: made, by: \.time)
    #expect(decisions.count > 150 && decisions.count == Set(alone["a"]!.map(\.time)).count)
    var split = 0
    for (time, rows) in decisions {
      let isSplit = ArmLine.place(of: time, Self.target, MadeVersion.view) < 0.4
      if isSplit { split += 1 }
      let served = rows.filter(\.isServed)
      #expect(Set(served.map(\.arm)) == [isSplit ? .split : .main])
      #expect(bits(served) == bits(alone[isSplit ? "b" : "a"]!.filter { $0.time == time }))
      let shadow = rows.filter { $0.arm == .shadow }
      #expect(bits(shadow) == bits(alone["c"]!.filter { $0.time == time }))
      #expect(shadow.allSatisfy { $0.version == "c" || $0.version == "" })
    }
    #expect(split > 30 && split < decisions.count - 30)
    #expect(made.filter { $0.arm == .split && $0.answer != nil }.allSatisfy { $0.reason == "not in production" })
  }

  private func bits(_ made: [Prediction]) -> [String] {
    made.map { "\($0.modelName) \($0.version) \($0.answer?.bitPattern ?? 0) \($0.inputHash) \($0.state)" }
  }

  @Test func `a pipeline that is started again goes on alike`() throws {
    var whole = try pipeline("a", try arms(share: 0.5))
    let all = step(Self.walk, &whole)
    var restarted = try pipeline("a", try arms(share: 0.5))
    for record in Self.walk[..<390] { _ = restarted.fold(MarketEvent(record)) }
    let rest = step(Self.walk[390...], &restarted)
    #expect(rest.count > 100 && rest == Array(all.suffix(rest.count)))
    restarted.setArms([], of: Self.target)
    restarted.restart()
    let without = step(Self.walk, &restarted)
    #expect(without.allSatisfy { $0.arm == .main })
  }

  @Test func `a version that comes to serve its target is silent as an arm, and speaks again after it`() throws {
    var pipeline = try pipeline("a", try arms(share: 1))
    func served(_ records: some Sequence<CandleRecord>) -> [Prediction.Arm: Set<String>] {
      let made = step(records, &pipeline)
      return Dictionary(grouping: made, by: \.arm).mapValues { Set($0.map(\.version)) }
    }
    for record in Self.walk[..<390] { _ = pipeline.fold(MarketEvent(record)) }
    #expect(served(Self.walk[390..<393]) == [.split: ["b"], .shadow: ["c"]])
    pipeline.serve(Self.target, with: try version("b"))
    #expect(served(Self.walk[393..<396]) == [.main: ["b"], .shadow: ["c"]])
    pipeline.serve(Self.target, with: try version("c"))
    #expect(served(Self.walk[396..<399]) == [.split: ["b"]])
    pipeline.serve(Self.target, with: nil)
    #expect(served(Self.walk[399..<402]) == [.split: ["b"], .shadow: ["c"]])
  }
}
