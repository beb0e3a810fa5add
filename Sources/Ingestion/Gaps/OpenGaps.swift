import Market
import Storage

/// The gaps of one series that last: each is one quality event, opened once and closed once.
struct OpenGaps: Sendable {
  private struct Gap: Sendable {
    var range: Range<Int64>
    var remaining: Int64
    var missed: Int64
    var patched: Int64 = 0
    var lost: Int64 = 0
  }

  private let series: Series
  private let kind: LedgerKind
  private var gaps: [Timestamp: Gap] = [:]
  private var newest = Timestamp.distantPast

  init(_ series: Series, _ kind: LedgerKind) { (self.series, self.kind) = (series, kind) }

  var type: String { kind == .minutes ? "gap" : "trade_gap" }

  func isOpen(_ since: Timestamp) -> Bool { gaps[since] != nil }

  var missing: Int64 { gaps.values.reduce(0) { $0 + $1.remaining } }

  /// A gap known from before a restart.
  mutating func restore(_ range: Range<Int64>, since: Timestamp, missed: Int64?) {
    newest = max(newest, since)
    guard let gap = gaps[since] else {
      gaps[since] = Gap(range: range, remaining: range.length, missed: missed ?? range.length)
      return
    }
    let hull = min(gap.range.lowerBound, range.lowerBound)..<max(gap.range.upperBound, range.upperBound)
    gaps[since]?.range = hull
    gaps[since]?.remaining += range.length
    gaps[since]?.missed = max(gap.missed, gap.remaining + range.length)
  }

  /// A gap that ends where the range begins grows; otherwise a new one begins.
  ///
  /// - Returns: when the gap was opened, which names it, and its event.
  mutating func open(_ range: Range<Int64>, now: Timestamp) -> (since: Timestamp, event: QualityEvent) {
    if let (since, gap) = gaps.first(where: { $0.value.range.upperBound == range.lowerBound }) {
      gaps[since]?.range = gap.range.lowerBound..<range.upperBound
      gaps[since]?.remaining += range.length
      gaps[since]?.missed += range.length
      return (since, event(since, resolvedAt: nil))
    }
    let since = max(now, newest == .distantPast ? now : newest.adding(microseconds: 1))
    newest = since
    gaps[since] = Gap(range: range, remaining: range.length, missed: range.length)
    return (since, event(since, resolvedAt: nil))
  }

  /// Keys of a gap that are there now, or never will be.
  ///
  /// - Returns: the event once nothing of the gap remains.
  mutating func settle(_ count: Int64, of since: Timestamp, isLost: Bool, now: Timestamp) -> QualityEvent? {
    guard let gap = gaps[since] else { return nil }
    gaps[since]?.remaining -= count
    if isLost { gaps[since]?.lost += count } else { gaps[since]?.patched += count }
    guard gap.remaining <= count else { return nil }
    defer { gaps[since] = nil }
    return event(since, resolvedAt: max(now, since))
  }

  private func event(_ since: Timestamp, resolvedAt: Timestamp?) -> QualityEvent {
    guard let gap = gaps[since] else { preconditionFailure("a gap that is open") }
    return QualityEvent(
      series: series, type: type, createdAt: since,
      candlesMissing: kind == .minutes ? Int(gap.missed) : nil, resolvedAt: resolvedAt, details: details(of: gap))
  }

  private func details(of gap: Gap) -> String {
    let counts = #""missing":\#(gap.remaining),"patched":\#(gap.patched),"lost":\#(gap.lost)"#
    switch kind {
    case .minutes:
      let (from, to) = (Timestamp(minute: gap.range.lowerBound), Timestamp(minute: gap.range.upperBound))
      return #"{"from":"\#(from)","to":"\#(to)",\#(counts)}"#
    case .trades: return #"{"from_id":\#(gap.range.lowerBound),"to_id":\#(gap.range.upperBound),\#(counts)}"#
    }
  }
}

extension Range<Int64> {
  var length: Int64 { upperBound - lowerBound }
}
