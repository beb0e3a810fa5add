package import Market

extension CandleStore {
  /// Calls `body` with every version of every candle that a view reads and that opens in a range, in the order in which a
  /// live reader had them.
  ///
  /// `asOf` hides what was stored or became available later.
  package func readEvents(
    _ view: MarketView, in range: Range<Timestamp>, asOf: Timestamp = .distantFuture,
    _ body: (MarketEvent) throws -> Void
  ) throws {
    guard view.volume != nil else {
      return try readEvents(view.price, in: range, asOf: asOf) { try body(.candle(view.price, $0)) }
    }
    let summaries = try view.series.compactMap { try summary(of: $0) }
    guard let first = summaries.map(\.firstOpenTime).min(), let last = summaries.map(\.lastOpenTime).max() else {
      return
    }
    var order = AvailabilityOrder<MarketEvent>()
    var start = max(range.lowerBound, first)
    let end = min(range.upperBound, last.adding(minutes: 1))
    while start < end {
      let part = start..<min(end, start.adding(minutes: EventWindow.minutes))
      // Everything of this part and of later ones closes after its start.
      while let next = order.pop(before: start.adding(minutes: 1)) { try body(next) }
      for series in view.series { try collect(series, in: part, asOf: asOf) { order.push($0) } }
      start = part.upperBound
    }
    while let next = order.pop(before: .distantFuture) { try body(next) }
  }

  private func collect(
    _ series: Series, in range: Range<Timestamp>, asOf: Timestamp, _ push: (MarketEvent) -> Void
  ) throws {
    let revised = Dictionary(
      grouping: try revisions(series, in: range, asOf: asOf).map(\.record), by: \.candle.openTime)
    try readCandles(series, in: range, asOf: asOf) { batch in
      for record in batch {
        for version in revised[record.candle.openTime] ?? [record] where version.availableAt <= asOf {
          push(.candle(series, version))
        }
      }
    }
  }
}

/// How much of two series is in memory at once.
private enum EventWindow {
  static let minutes = 4 * 1440
}
