import Market
import Venues

/// What the tick cadence is told of one series: its trades and quotes as they come, and from when on none is missing.
struct TickFeed: Sendable {
  /// Trades that are so far ahead of the pipeline's clock are not used: they would make all others old.
  private static let aheadMicroseconds: Int64 = 10_000_000

  /// No venue sums up more trades in one.
  private static let mostCount: Int64 = 1_000_000_000

  private let series: Series
  private let numbersTrades: Bool
  /// `nil` until the first trade, and after an interruption.
  private var lastId: Int64?
  private var hasQuote = false
  /// When a trade or a quote came last, by the pipeline's clock; the start, before any.
  private(set) var heardAt: Timestamp
  private var round: SnapshotRound?
  private var nextRoundAt = Timestamp.distantPast

  init(_ series: Series, numbersTrades: Bool, now: Timestamp) {
    (self.series, self.numbersTrades, heardAt) = (series, numbersTrades, now)
  }

  mutating func receive(_ trade: Trade, now: Timestamp, _ output: inout LiveOutput) {
    guard trade.price.units > 0, trade.quantity.units > 0, (1...Self.mostCount).contains(trade.count),
      trade.time <= now.adding(microseconds: Self.aheadMicroseconds)
    else { return }
    heardAt = now
    switch lastId {
    case let last? where numbersTrades && trade.id <= last: return
    case let last? where !numbersTrades || trade.id &- 1 == last: lastId = max(last, trade.id)
    default:
      lastId = trade.id
      output.ticks.append(.tradesBegin(series, at: trade.time))
    }
    output.ticks.append(.trade(series, trade))
  }

  mutating func receive(_ quote: Quote, now: Timestamp, _ output: inout LiveOutput) {
    guard quote.bidPrice.units > 0, quote.askPrice.units > 0 else { return }
    (heardAt, hasQuote) = (now, true)
    output.ticks.append(.quote(series, quote))
  }

  // MARK: Silence

  /// The stream has been silent for so long that requests are to tell what it does not.
  func isSnapshotDue(maxAgeMilliseconds: Int64, now: Timestamp) -> Bool {
    round == nil && now >= nextRoundAt && now > heardAt.adding(microseconds: maxAgeMilliseconds * 1000)
  }

  mutating func beginSnapshot(_ parts: Set<SnapshotPart>, maxAgeMilliseconds: Int64, now: Timestamp) {
    nextRoundAt = now.adding(microseconds: max(maxAgeMilliseconds * 500, 1_000_000))
    round = parts.isEmpty ? nil : SnapshotRound(waitsFor: parts)
  }

  /// A part has come, or, without `fill`, will not.
  mutating func take(
    _ part: SnapshotPart, _ output: inout LiveOutput, fill: (inout MarketSnapshot) -> Void = { _ in }
  ) {
    guard var round, round.waitsFor.remove(part) != nil else { return }
    fill(&round.snapshot)
    self.round = round.waitsFor.isEmpty ? nil : round
    guard round.waitsFor.isEmpty, round.snapshot != MarketSnapshot() else { return }
    output.ticks.append(.snapshot(series, round.snapshot))
  }

  /// - Parameter isCertain: nothing is connected; otherwise ids tell whether any trade was missed.
  mutating func interrupt(isCertain: Bool, _ output: inout LiveOutput) {
    guard isCertain || !numbersTrades, lastId != nil || hasQuote else { return }
    (lastId, hasQuote) = (nil, false)
    output.ticks.append(.interrupted(series))
  }
}

/// What a snapshot of a market is put together of, each by a request of its own.
enum SnapshotPart: Hashable, Sendable, CaseIterable { case candles, trades, quote }

private struct SnapshotRound: Sendable {
  var waitsFor: Set<SnapshotPart>
  var snapshot = MarketSnapshot()
}
