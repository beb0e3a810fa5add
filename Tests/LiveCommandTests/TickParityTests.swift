import Features
import FoundationEssentials
import Ingestion
import Market
import Models
import Operations
import Pipeline
import Storage
import TestSupport
import Testing

@testable import candlecast

/// What was said between candles, computed again from the tape.
struct TickParityTests {
  private static let target = PredictionTarget.move(horizonSeconds: 60)

  /// A feed that has said something, and has ended.
  private func run(_ desk: Desk) async throws -> CommandContext {
    let context = try desk.context()
    var options = LiveSession.Options(service: context.configuration)
    options.servesHealth = false
    _ = try await Watch.run(context, options) { ($0.current?.predictions["untrained"] ?? 0) > 40 }
    return context
  }

  private func parity(_ context: CommandContext) throws -> LiveParity.Result {
    try LiveParity(context: context, decisions: .all, share: 1, seed: 1).run(in: context.openForReading())
  }

  @Test(.timeLimit(.minutes(Soak.minutes(5))))
  func `the tape gives the same bits, names what is not on it, and what it has lost cannot be computed`() async throws {
    let desk = try Desk(try Exchange.shared.get().knobs)
    var context = try await run(desk)
    let filter = PredictionFilter(target: Self.target)
    let said = try context.openForReading().predictions(filter)
    let before = try parity(context)
    #expect(said.count > 40 && before.checked >= said.count, "\(before)")
    #expect(before.mismatches.isEmpty && before.unverifiable == 0, "\(before)")

    // A second run, from which the first is told apart by its time.
    context = try await run(desk)
    let all = try context.openForReading().predictions(filter)
    let betweenCloses = try context.openForReading().predictions().filter(\.target.isOfTicks).count
    let after = try parity(context)
    #expect(all.count > said.count && after.checked >= all.count, "\(after)")
    #expect(after.mismatches.isEmpty && after.unverifiable == 0, "\(after)")

    var forged = try #require(said.first { $0.modelName == .baseline })
    forged.time = forged.time.adding(microseconds: 1000)
    var earlier = forged
    earlier.time = said[0].time.adding(minutes: -1440)
    var unknown = forged
    unknown.version = "20240101-1"
    _ = try context.openForWriting().insert([forged, earlier, unknown])
    let told = try parity(context)
    #expect(told.checked == after.checked + 1 && told.unverifiable == 2, "\(told)")
    #expect(told.mismatches == ["move-60s by Baseline at \(forged.time) was 0.5, played back it is not made"])

    try FileManager.default.removeItem(atPath: desk.folder.path + "/tape")
    let gone = try parity(context)
    #expect(gone.unverifiable == betweenCloses + 3 && gone.mismatches.isEmpty)
    #expect(gone.checked == after.checked - betweenCloses)
  }

  @Test func `the tape of a feed that leaves predicting to another role verifies none`() throws {
    let time = Timestamp("2026-11-20T12:00:00Z")!
    let view = MarketView(price: Series(.binance, .btcusdt))
    let made = Prediction(
      time: time, availableAt: time, view: view, target: Self.target, probabilityUp: nil, confidence: 0,
      modelName: .baseline, version: "", featureSetHash: "h", inputHash: 1, state: "untrained", reason: "",
      mode: .live, latencyNanoseconds: 0)
    for predicts in [false, true] {
      var heard = 0
      let witness = TickWitness(time..<time.adding(minutes: 1)) { predictions, _ in heard += predictions.count }
      witness.begin(
        LiveStart(
          time: time, plan: LivePlan(seed: 1, thresholds: LiveThresholds(), feeds: []), memories: [], view: view,
          versions: predicts ? [LiveStart.ServedTarget(target: Self.target, version: nil)] : [], history: nil,
          cadence: TickCadence()))
      witness.take(LiveOutput(at: time.adding(minutes: 1)), [made], at: time.adding(minutes: 1))
      #expect(witness.hasSeen(time) == predicts)
      #expect(heard == (predicts ? 1 : 0))
    }
  }

  @Test(.timeLimit(.minutes(Soak.minutes(5))))
  func `one of them is explained by its inputs, with what was stored beside what is played back`() async throws {
    let desk = try Desk(try Exchange.shared.get().knobs)
    let context = try await run(desk)
    let store = try context.openForReading()
    // What is missing at a moment is taken from the one before; of this one all is known.
    let said = try store.predictions(PredictionFilter(target: Self.target))
    let one = try #require(said.last { $0.state == "untrained" })
    let found = try #require(try TickExplanation.of(TickDecisions.target, at: one.time, from: store, context))
    #expect(found.predictions.contains { $0.modelName == one.modelName && $0.inputHash == one.inputHash })
    #expect(found.point.inputs.time == one.time && found.point.inputs.price == one.forecast?.current)
    let told = found.json(try StoredComparison(found.predictions, store)).description
    #expect(told.contains("\"verdict\": \"same bits\"") || told.contains("\"verdict\":\"same bits\""), "\(told)")
    #expect(told.contains("\"bid_ask_spread\"") && told.contains("\"direct\""), "\(told)")
    #expect(
      try TickExplanation.of(
        TickDecisions.target, at: one.time.adding(microseconds: 1000), from: store, context) == nil)
  }

  @Test(.timeLimit(.minutes(Soak.minutes(5))))
  func `the command explains it too, and says where nothing was said`() async throws {
    let desk = try Desk(try Exchange.shared.get().knobs)
    let one: Prediction
    do {
      let store = try await run(desk).openForReading()
      one = try #require(try store.predictions(PredictionFilter(target: Self.target)).last)
    }
    let shown = try await desk.command("explain", "--at", "\(one.time)", "--target", "move-60s")
    #expect(shown.code == .done, "\(shown.error)")
    #expect(shown.output.contains("bid_ask_spread"), "\(shown.output)")
    #expect(shown.output.contains("computed again from the tape: same bits"), "\(shown.output)")
    let none = try await desk.command("explain", "--at", "2020-01-01", "--target", "move-60s")
    #expect(none.code == .badData && none.error.contains("the tape has no prediction between candles"))
  }
}
