import Market
import Storage
import TestSupport
import Testing

@testable import candlecast

/// Live predictions computed again from the store.
struct LiveParityTests {
  private static let minutes = 3000
  private let desk: Desk
  private let context: CommandContext
  private let decisions: Range<Timestamp>

  init() throws {
    desk = try Desk()
    context = try desk.context()
    let candles = RandomWalk()(seed: 3, count: Self.minutes)
    decisions = candles[1500].closeTime..<candles[2900].closeTime
    let series = context.view.price
    var batch = LiveBatch(knownAt: candles[Self.minutes - 1].closeTime.adding(minutes: 1))
    batch.candles = candles.map { LiveCandle(series, CandleRecord($0, lateAt: $0.closeTime)) }
    _ = try context.openForWriting().commit(batch)
  }

  /// Stores what the baseline says of most of a day, live, as `change` leaves it.
  private func say(_ change: (Prediction) -> Prediction = { $0 }) throws {
    let store = try context.openForWriting()
    var run = HistoryRun(view: context.view, mode: .live)
    run.serve(context.target, with: nil)
    run.serve(.window(lengthMinutes: 15), with: nil)
    var made: [Prediction] = []
    try run.run(decisions, from: store) { made += $1.map(change) }
    _ = try store.insert(made)
  }

  private func parity(_ share: Double = 1) throws -> LiveParity.Result {
    try LiveParity(context: context, decisions: decisions, share: share, seed: 1).run(in: context.openForReading())
  }

  @Test func `everything has the same bits`() throws {
    try say()
    let result = try parity()
    #expect(result.checked > 2000)
    #expect(result.mismatches.isEmpty && result.unverifiable == 0)
  }

  @Test func `a part of it is drawn at random`() throws {
    try say()
    let all = try parity().checked
    let part = try parity(0.1).checked
    #expect((all / 20...all / 5).contains(part))
  }

  @Test func `what has other bits is named`() throws {
    let other = decisions.lowerBound.adding(minutes: 15)
    try say { prediction in
      guard prediction.time == other, prediction.target == .window(lengthMinutes: 15) else { return prediction }
      var changed = prediction
      changed.probabilityUp = prediction.probabilityUp.map { $0.nextUp }
      return changed
    }
    let result = try parity()
    #expect(result.mismatches.count == 1)
    #expect(result.mismatches.first?.hasPrefix("window-15m by Baseline at \(other) was 0.") == true)
  }

  @Test func `what a version said that is registered no more cannot be computed`() throws {
    try say { prediction in
      var prediction = prediction
      prediction.version = "20240101-1"
      return prediction
    }
    let result = try parity()
    #expect(result.checked == 0 && result.unverifiable > 2000)
  }
}
