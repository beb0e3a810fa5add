import Market
import Storage

/// The ledger of one series with the quality events that follow from it.
struct SeriesLedger: Sendable {
  let series: Series
  let kind: LedgerKind
  private(set) var map = LedgerMap()
  private var gaps: OpenGaps
  /// How often the venue had no word about a key, of missing ones.
  private var silences: [Int64: Int] = [:]

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
      map.set(range.range, range.state, since: range.since)
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
    map.blanks(in: range).flatMap { blank -> [GapChange] in
      let (since, event) = gaps.open(blank, now: now)
      map.set(blank, .missing, since: since)
      return [.ledger(LedgerRange(series, kind, blank, .missing, since: since)), .quality(event)]
    }
  }

  /// Keys that are there, or are lost. What is there stays as it came; what was lost can still come.
  mutating func settle(_ range: Range<Int64>, _ state: LedgerState, now: Timestamp) -> [GapChange] {
    var changes: [GapChange] = []
    var open = KeyRanges()
    open.insert(range)
    for piece in map.runs(in: range) where !gives(way: piece.state, to: state) { open.remove(piece.range) }
    for run in open.runs {
      changes.append(.ledger(LedgerRange(series, kind, run, state, since: now)))
      for piece in map.runs(in: run) where piece.state == .missing {
        let event = gaps.settle(piece.range.length, of: piece.since, isLost: state.isLost, now: now)
        if let event { changes.append(.quality(event)) }
      }
      map.set(run, state, since: now)
      if !silences.isEmpty { silences = silences.filter { !run.contains($0.key) } }
    }
    return changes
  }

  /// What an answer says about missing keys: those it passes over are lost, and so are those that it does not reach
  /// although it could, once it has done so `tries` times.
  ///
  /// - Parameters:
  ///   - last: the last key that the venue gave.
  ///   - end: keys from here on are not expected of the venue yet.
  mutating func answered(
    _ asked: Range<Int64>, present: KeyRanges, last: Int64?, end: Int64, tries: Int, from source: String,
    now: Timestamp
  ) -> [GapChange] {
    var changes: [GapChange] = []
    for run in present.runs { changes += settle(run.clamped(to: asked), .patched(from: source), now: now) }
    for piece in map.runs(in: asked) where piece.state == .missing {
      var gone = KeyRanges()
      for key in piece.range where key < last ?? .min || key < end && isSilentFor(key, tries) { gone.insert(key) }
      for run in gone.runs { changes += settle(run, .lost(reason: "\(source) does not have it"), now: now) }
    }
    return changes
  }

  private mutating func isSilentFor(_ key: Int64, _ tries: Int) -> Bool {
    silences[key, default: 0] += 1
    return silences[key, default: 0] >= tries
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
