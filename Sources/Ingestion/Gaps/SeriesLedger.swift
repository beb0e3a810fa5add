import Market
import Storage

/// The ledger of one series with the quality events that follow from it.
struct SeriesLedger: Sendable {
  let series: Series
  let kind: LedgerKind
  private(set) var line = StateLine()
  private var gaps: OpenGaps

  init(_ series: Series, _ kind: LedgerKind) {
    (self.series, self.kind) = (series, kind)
    gaps = OpenGaps(series, kind)
  }

  var missing: Int64 { gaps.missing }

  /// Takes up what a store knows.
  ///
  /// - Returns: events that were left open although nothing of their gaps is missing any more.
  mutating func restore(_ ledger: [LedgerRange], _ events: [QualityEvent], now: Timestamp) -> [GapChange] {
    let open = events.filter { $0.series == series && $0.type == gaps.type && $0.resolvedAt == nil }
    for range in ledger where range.series == series && range.kind == kind {
      line.set(range.range, range.state, since: range.since)
      guard range.state == .missing else { continue }
      let event = open.first { $0.createdAt == range.since }
      gaps.restore(range.range, since: range.since, missed: event?.candlesMissing.map(Int64.init))
    }
    return open.filter { !gaps.isOpen($0.createdAt) }.map { event in
      var closed = event
      closed.resolvedAt = max(now, event.createdAt)
      return .quality(closed)
    }
  }

  /// Keys whose state is not known or known to be missing are missing.
  mutating func miss(_ range: Range<Int64>, now: Timestamp) -> [GapChange] {
    line.blanks(in: range).flatMap { blank -> [GapChange] in
      let (since, event) = gaps.open(blank, now: now)
      line.set(blank, .missing, since: since)
      return [.ledger(LedgerRange(series, kind, blank, .missing, since: since)), .quality(event)]
    }
  }

  /// Keys that are there, or are lost. What is there stays as it came; what was lost can still come.
  mutating func settle(_ range: Range<Int64>, _ state: LedgerState, now: Timestamp) -> [GapChange] {
    var changes: [GapChange] = []
    var open = KeyRanges()
    open.insert(range)
    for piece in line.pieces(in: range) where !gives(way: piece.state, to: state) { open.remove(piece.range) }
    for run in open.runs {
      changes.append(.ledger(LedgerRange(series, kind, run, state, since: now)))
      for piece in line.pieces(in: run) where piece.state == .missing {
        let event = gaps.settle(piece.range.length, of: piece.since, isLost: state.isLost, now: now)
        if let event { changes.append(.quality(event)) }
      }
      line.set(run, state, since: now)
    }
    return changes
  }

  private func gives(way old: LedgerState, to new: LedgerState) -> Bool {
    switch (old, new) {
    case (.missing, _): true
    case (.lost, .live), (.lost, .patched): true
    default: false
    }
  }
}

extension LedgerState {
  var isLost: Bool { if case .lost = self { true } else { false } }
}
