package import Market
package import Storage

/// Knows of every trade id of one series, from the first one seen on, how it came.
package struct TradeGaps: Sendable {
  package struct Options: Hashable, Sendable {
    /// Answers that end before an id, from a venue that must have it, before it is lost.
    package var emptyAnswers = 3
    package var refetchMicroseconds: Int64 = 30_000_000
    /// A wider jump is no loss that could be fetched.
    package var widestJump: Int64 = 1_000_000

    package init() {}
  }

  private let options: Options
  private var ledger: SeriesLedger
  private var next: Int64?
  /// Ids from here on were missed while nothing ran, and are not to be fetched.
  private var unwanted: Int64?
  private var refetchAt = Timestamp.distantPast

  package init(_ series: Series, _ options: Options = Options()) {
    self.options = options
    ledger = SeriesLedger(series, .trades)
  }

  package var missingIds: Int64 { ledger.missing }

  package var pieces: [LedgerMap.Run] { ledger.map.runs }

  /// Ids up to this one are accounted for; `nil` if none is.
  package var lastId: Int64? { next.map { $0 - 1 } }

  /// - Parameter takesUpAgain: otherwise what was missed before the start is lost.
  package mutating func start(
    _ stored: [LedgerRange], _ events: [QualityEvent], takesUpAgain: Bool = true, now: Timestamp
  ) -> [GapChange] {
    let changes = ledger.restore(stored, events, now: now)
    next = ledger.map.runs.last?.range.upperBound
    if takesUpAgain { return changes + fetches(now) }
    unwanted = next
    return changes + ledger.map.runs.flatMap { abandoned($0.range, reason: GapKeeper.unrecoveredReason, now: now) }
  }

  /// What a `TradeCandles` reports about ids; anything else is not used.
  package mutating func take(_ output: SealingOutput, now: Timestamp) -> [GapChange] {
    switch output {
    case .jumped(let ids):
      var changes = reached(ids.lowerBound - 1, now: now)
      next = max(next ?? ids.upperBound, ids.upperBound)
      changes += ledger.miss(ids, now: now)
      if ids.lowerBound == unwanted {
        return changes + abandoned(ids, reason: GapKeeper.unrecoveredReason, now: now)
      }
      guard ids.length <= options.widestJump else {
        return changes + ledger.settle(ids, .lost(reason: "ids jumped by \(ids.length)"), now: now)
      }
      return changes + [.fetch(.trades, ids, isRecheck: false)]
    case .recovered(let ids): return ledger.settle(ids, .live, now: now)
    default: return []
    }
  }

  /// Everything up to this id came, but for the jumps.
  package mutating func reached(_ id: Int64, now: Timestamp) -> [GapChange] {
    let from = next ?? id
    guard id >= from else { return [] }
    next = id + 1
    return ledger.map.blanks(in: from..<(id + 1)).flatMap { ledger.settle($0, .live, now: now) }
  }

  /// What the venue gave on request, from `asked.lowerBound` on.
  ///
  /// - Parameter isFull: the answer has as many trades as one may have.
  package mutating func answered(
    _ asked: Range<Int64>, ids: [Int64], isFull: Bool, from source: String, now: Timestamp
  ) -> [GapChange] {
    var present = KeyRanges()
    for id in ids where asked.contains(id) { present.insert(id) }
    return ledger.answered(
      asked, present: present, last: ids.max(), end: isFull ? .min : .max, tries: options.emptyAnswers, from: source,
      now: now)
  }

  /// These ids cannot be had.
  package mutating func abandoned(_ ids: Range<Int64>, reason: String, now: Timestamp) -> [GapChange] {
    ledger.map.runs(in: ids).filter { $0.state == .missing }.flatMap {
      ledger.settle($0.range, .lost(reason: reason), now: now)
    }
  }

  package mutating func tick(now: Timestamp) -> [GapChange] { now >= refetchAt ? fetches(now) : [] }

  private mutating func fetches(_ now: Timestamp) -> [GapChange] {
    refetchAt = now.adding(microseconds: options.refetchMicroseconds)
    guard ledger.missing > 0 else { return [] }
    return ledger.map.runs.filter { $0.state == .missing }.map { .fetch(.trades, $0.range, isRecheck: false) }
  }
}
