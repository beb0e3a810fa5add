package import Market
package import Storage

extension SeriesPlan {
  /// Goes on where a store ends.
  ///
  /// - Parameters:
  ///   - firstMinute: of a series that nothing is known of.
  ///   - now: the start, by the pipeline's clock.
  package init(
    _ series: Series, from store: some CandleStore & LiveStore, firstMinute: Int64, now: Timestamp
  ) throws {
    let minutes = try store.ledger(series, .minutes)
    let summary = try store.summary(of: series)
    let next = summary.map { $0.lastOpenTime.minute + 1 }
    let later = try summary.map {
      try Self.imported(series, from: minutes.last?.range.upperBound ?? $0.lastOpenTime.minute + 1, $0, store, now: now)
    }
    self.init(
      symbol: series.symbol, firstMinute: minutes.first?.range.lowerBound ?? next ?? firstMinute,
      ledger: minutes + (later ?? []) + (try store.ledger(series, .trades)),
      events: try store.qualityEvents(series, unresolvedOnly: true, limit: 1000))
  }

  /// Candles that came by other ways after the ledger's end.
  private static func imported(
    _ series: Series, from minute: Int64, _ summary: SeriesSummary, _ store: some CandleStore, now: Timestamp
  ) throws -> [LedgerRange] {
    let range = Timestamp(minute: minute)..<max(summary.lastOpenTime.adding(minutes: 1), Timestamp(minute: minute))
    guard !range.isEmpty else { return [] }
    var runs: [Range<Int64>] = []
    try store.readCandles(series, in: range, asOf: .distantFuture) { records in
      for record in records { runs.extend(with: record.candle.openTime.minute) }
    }
    return runs.map { LedgerRange(series, .minutes, $0, .patched(from: "import"), since: now) }
  }
}

extension LiveCore {
  private static let primedMinutes = 2 * 24 * 60

  /// Makes the newest candles known that were stored before the start.
  package mutating func prime(from store: some CandleStore, before now: Timestamp) throws {
    for series in self.series {
      try store.readCandles(series, in: now.adding(minutes: -Self.primedMinutes)..<now, asOf: now) {
        prime(series, $0.map(\.candle))
      }
    }
  }
}

extension [Range<Int64>] {
  /// Keys come in rising order.
  package mutating func extend(with key: Int64) {
    if let last, last.upperBound == key {
      self[count - 1] = last.lowerBound..<key + 1
    } else {
      append(key..<key + 1)
    }
  }
}
