import Market

/// The first version of a candle that opens after all others of its series.
struct FollowingCandle: Hashable {
  let minute: Int64
  let isLive: Bool
}

extension LedgerMap {
  /// A live run reaches to the last candle of the series.
  func grows(after last: Int64) -> Bool {
    guard let run = runs.last else { return false }
    return run.state == .live && run.range.upperBound == last + 1
  }

  /// What the map becomes by candles that follow the last one, in rising order: a live run that reaches that far grows
  /// with each, up to the first that did not come live or that leaves a minute out.
  func grown(after last: Int64, by candles: [FollowingCandle]) -> LedgerMap {
    guard grows(after: last), let run = runs.last else { return self }
    var end = run.range.upperBound
    for candle in candles {
      guard candle.isLive, candle.minute == end else { break }
      end += 1
    }
    var grown = self
    grown.set(run.range.lowerBound..<end, .live, since: run.since)
    return grown
  }
}

/// What a commit does to the candles of a series.
struct CandleChange {
  /// The last minute before.
  let last: Int64?
  private(set) var following: [FollowingCandle] = []
  private var isPlain: Bool

  /// - Parameter last: `nil` for a series without candles.
  init(after last: Timestamp?) {
    self.last = last?.minute
    isPlain = last != nil
  }

  mutating func note(_ candle: LiveCandle, revision: Int32) {
    let minute = candle.record.candle.openTime.minute
    if revision > 0 || minute <= following.last?.minute ?? last ?? .max { isPlain = false }
    following.append(FollowingCandle(minute: minute, isLive: candle.record.provenance == .live))
  }

  /// Nothing came but candles after all others, and the ledger changed as they alone change it.
  func leads(from old: LedgerMap, to new: LedgerMap) -> Bool {
    guard isPlain, let last else { return false }
    // Candles that catch up with a run would make it grow from then on, and not from what is written.
    if let run = old.runs.last, run.state == .live, run.range.upperBound > last + 1 { return false }
    return old.grown(after: last, by: following) == new
  }
}
