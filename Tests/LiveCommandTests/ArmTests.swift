import Ingestion
import Market
import Models
import Operations
import Pipeline
import Platform
import Storage
import Synchronization
import TestSupport
import Testing
import Transport

@testable import candlecast

/// Versions beside the one that answers, in a running feed.
struct ArmTests {
  private static let target = PredictionTarget.window(lengthMinutes: 15)

  private func options(_ context: CommandContext) -> LiveSession.Options {
    var options = LiveSession.Options(service: context.configuration)
    options.servesHealth = true
    return options
  }

  @Test(.timeLimit(.minutes(Soak.minutes(5))))
  func `decisions are split, a shadow is stored and told to nobody, and the tape gives the same`() async throws {
    let knobs = ["ingest.limit": "400", "inference.arms": "b=0.5,c=shadow"]
    let desk = try Desk(try Exchange.shared.get().knobs.merging(knobs) { $1 })
    let context = try desk.context()
    let shelf = Shelf(context: context, folder: desk.folder, target: Self.target)
    for (place, name) in ["c", "b", "a"].enumerated() { try shelf.register(name, treeCount: place + 2) }
    let told = Mutex<[String]>([])
    let result = try await Watch.run(context, options(context)) { status in
      guard let arms = status.current?.arms, let port = status.ports?.feeder,
        Prediction.Arm.allCases.allSatisfy({ arms[$0, default: 0] >= 30 })
      else { return false }
      let said = try await Watch.get("http://127.0.0.1:\(port)/v1/predictions?target=window-open-15m&limit=1000")
      guard String(decoding: said.body, as: UTF8.self).contains("its offset is of") else { return false }
      for page in ["v1/predictions/latest", "v1/predictions", "metrics"] {
        let answer = try await Watch.get("http://127.0.0.1:\(port)/\(page)")
        told.withLock { $0.append(String(decoding: answer.body, as: UTF8.self)) }
      }
      return true
    }
    let pages = told.withLock { $0.map { $0.replacing(" ", with: "") } }
    #expect(pages.count == 3)
    for page in pages.prefix(2) {
      #expect(
        page.contains(#""arm":"main""#) && !page.contains(#""arm":"shadow""#) && !page.contains(#""version":"c""#))
    }
    #expect(pages.last?.contains(#"candlecast_arm_predictions_total{arm="shadow"}"#) == true)

    let stored = try DuckDBStore(path: desk.storePath).predictions()
    #expect(stored.count == result.predictions)
    try expectEachDecisionIsServedOnce(stored, context.view)
    try expectTheSameAgain(desk, result, checked: 90)
  }

  @Test(.timeLimit(.minutes(Soak.minutes(5))))
  func `between closes too, each moment is served by one version, and the tape gives the same`() async throws {
    let knobs = ["ingest.limit": "400", "inference.arms": "ticks-b=0.5,ticks-c=shadow"]
    let desk = try Desk(try Exchange.shared.get().knobs.merging(knobs) { $1 })
    let context = try desk.context()
    let shelf = Shelf(context: context, folder: desk.folder, target: TickDecisions.target)
    for (place, name) in ["ticks-c", "ticks-b", "ticks-a"].enumerated() {
      try shelf.registerTicks(name, deviation: Double(place + 2))
    }
    let result = try await Watch.run(context, options(context)) { status in
      // Each moment has one of the shadow's; an input reaches back five minutes.
      (status.current?.arms[.shadow] ?? 0) >= 260
    }

    let stored = try DuckDBStore(path: desk.storePath).predictions(PredictionFilter(target: TickDecisions.target))
    let answers = stored.filter { $0.modelName == .mlp && $0.probabilityUp != nil }
    #expect(Set(answers.map(\.version)) == ["ticks-a", "ticks-b", "ticks-c"])
    for (time, rows) in Dictionary(grouping: stored, by: \.time) {
      let isSplit = ArmLine.place(of: time, TickDecisions.target, context.view) < 0.5
      let served = rows.filter(\.isServed)
      #expect(Set(served.map(\.arm)) == [isSplit ? .split : .main])
      #expect(Set(served.map(\.version)).subtracting([""]).isSubset(of: [isSplit ? "ticks-b" : "ticks-a"]))
      #expect(rows.filter { !$0.isServed }.allSatisfy { $0.version == "ticks-c" && $0.modelName == .mlp })
    }
    try expectTheSameAgain(desk, result, checked: stored.count)
  }

  /// Computed again by parity, and played back.
  private func expectTheSameAgain(_ desk: Desk, _ result: LiveSession.Result, checked: Int) throws {
    let context = try desk.context()
    let parity = try LiveParity(context: context, decisions: .all, share: 1, seed: 1).run(in: context.openForReading())
    #expect(parity.mismatches.isEmpty && parity.unverifiable == 0 && parity.checked >= checked, "\(parity)")
    let replayed = try RecordingReplay(
      context: try desk.context(["inference.arms": ""]), path: desk.folder.path + "/tape", destination: nil,
      history: .duckDB(path: desk.storePath)
    ).run()
    #expect(replayed.predictions == result.predictions && replayed.fingerprint == result.fingerprint)
  }

  private func expectEachDecisionIsServedOnce(_ stored: [Prediction], _ view: MarketView) throws {
    let closes = Dictionary(grouping: stored.filter { $0.target == Self.target }, by: \.time)
    let open = stored.filter { $0.target == .openWindow(lengthMinutes: 15) }
    #expect(closes.count >= 3 && open.allSatisfy { $0.isServed && ["a", "b", ""].contains($0.version) })
    #expect(open.contains { $0.reason.contains("its offset is of") })
    for (time, rows) in closes {
      let isSplit = ArmLine.place(of: time, Self.target, view) < 0.5
      let served = rows.filter(\.isServed)
      #expect(Set(served.map(\.arm)) == [isSplit ? .split : .main])
      #expect(Set(served.map(\.version)) == [isSplit ? "b" : "a"])
      // Between closes that version is named whose offset is held.
      let held = open.filter { $0.reason.hasSuffix("its offset is of \(time)") }
      #expect(held.allSatisfy { $0.arm == served[0].arm && $0.version == served[0].version })
      #expect(rows.filter { !$0.isServed }.map(\.version).allSatisfy { $0 == "c" })
      #expect(rows.filter { !$0.isServed }.map(\.modelName) == served.map(\.modelName))
    }
  }

  // MARK: What cannot be one

  struct Refused: Sendable, CustomTestStringConvertible {
    let arms: String
    let sentence: String

    var testDescription: String { arms }
  }

  static let refused = [
    Refused(arms: "z=shadow", sentence: "names z, and no such version is registered"),
    Refused(arms: "A=shadow", sentence: "names A, which is no version's name"),
    Refused(arms: "good=0.5,good=shadow", sentence: "names good twice"),
    Refused(arms: "good=0.6,other=0.5", sentence: "gives the versions of direction-15m shares of 1.1 together"),
    Refused(arms: "elsewhere=shadow", sentence: "names elsewhere, which is for bybit:BTCUSDT"),
    Refused(arms: "synthetic=shadow", sentence: "names synthetic, which was trained on synthetic data"),
    Refused(arms: "gated=0.1", sentence: "gives a share to gated, which the gate refused (no skill)"),
    Refused(arms: "archived=shadow", sentence: "names archived, which is archived"),
    Refused(arms: "unfit=shadow", sentence: "names unfit, which cannot be loaded"),
  ]

  private func makeShelf() throws -> (Desk, Shelf) {
    let desk = try Desk(["market.venue": "binance"])
    let shelf = Shelf(context: try desk.context(), folder: desk.folder)
    try shelf.register("good", treeCount: 2)
    try shelf.register("other", treeCount: 3)
    try shelf.register("synthetic", treeCount: 2, isSynthetic: true)
    try shelf.register("gated", treeCount: 2, isGatePassed: false)
    try shelf.register("unfit", treeCount: 2, isFitting: false)
    let archived = try shelf.register("archived", treeCount: 2)
    try shelf.context.registry.archive(archived, at: SystemClock.now(), who: "test", why: "test")
    let elsewhere = Shelf(context: try desk.context(["market.venue": "bybit"]), folder: desk.folder)
    try elsewhere.register("elsewhere", treeCount: 2)
    return (desk, shelf)
  }

  @Test(arguments: refused)
  func `a version that cannot be an arm is refused with the reason`(refused: Refused) throws {
    let (desk, shelf) = try makeShelf()
    let context = try desk.context(["inference.arms": refused.arms])
    do {
      _ = try ModelArms(context, shelf.context.view)
      Issue.record("it was taken")
    } catch let error as CommandError {
      #expect(error.description.hasPrefix("inference.arms " + refused.sentence), "\(error)")
      #expect(error.exitCode == (refused.arms == "unfit=shadow" ? .badData : .wrongUsage))
    }
  }

  @Test func `what the gate refused may be watched, and shares may be all there is`() throws {
    let (desk, shelf) = try makeShelf()
    let context = try desk.context(["inference.arms": "gated=shadow,good=0.9,other=0.1"])
    let arms = try ModelArms(context, shelf.context.view)
    #expect(arms.recorded.map(\.version) == ["gated", "good", "other"])
    #expect(arms.recorded.map(\.share) == [nil, 0.9, 0.1])
    #expect(arms.recorded.map(\.reason) == ["no skill", "not in production", "not in production"])
    #expect(arms.served.map(\.target) == [shelf.target])
    #expect(arms.served[0].arms.map(\.part) == [nil, 0..<0.9, 0.9..<1])
  }

  @Test(.timeLimit(.minutes(Soak.minutes(5)))) func `a feed with such an arm does not begin`() async throws {
    let desk = try Desk(try Exchange.shared.get().knobs.merging(["inference.arms": "z=shadow"]) { $1 })
    let context = try desk.context()
    let refusal = try await Watch.refusal(context, options(context))
    #expect(refusal?.exitCode == .wrongUsage && refusal?.description.contains("no such version") == true)
  }
}
