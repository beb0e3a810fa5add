package import Market

/// A change to everything that became available after a moment, and to nothing before it; but for the last.
package enum Perturbation: String, Sendable, CaseIterable, Codable {
  /// Nothing changes: what differs then is not deterministic.
  case repetition
  case prices
  case volumes
  case deletions
  /// Earlier candles get later versions, available after the moment.
  case revisions
  case everything
  /// At any time: prices and quote amounts of the series that gives only volumes.
  case unread

  /// The events with those available after `cut` changed, sorted by open time and availability.
  package func applied(
    to events: [MarketEvent], of view: MarketView, after cut: Timestamp, seed: UInt64
  ) -> [MarketEvent] {
    var generator = SplitMix64(seed: seed)
    var result: [(series: Series, record: CandleRecord)] = []
    result.reserveCapacity(events.count)
    for case .candle(let series, let record) in events {
      if self == .unread {
        result.append((series, series == view.volume ? Self.withoutRead(record, &generator) : record))
      } else if record.availableAt <= cut {
        result.append((series, record))
        if changes(.revisions), generator.next() % 4 == 0 {
          result.append((series, Self.revision(of: record, after: cut, &generator)))
        }
      } else if !(changes(.deletions) && generator.next() % 3 == 0) {
        result.append((series, changed(record, &generator)))
      }
    }
    return result.sorted {
      ($0.record.candle.openTime, $0.record.availableAt) < ($1.record.candle.openTime, $1.record.availableAt)
    }.map { .candle($0.series, $0.record) }
  }

  private func changes(_ part: Perturbation) -> Bool { self == part || self == .everything }

  private func changed(_ record: CandleRecord, _ generator: inout SplitMix64) -> CandleRecord {
    var record = record
    if changes(.prices) { record.candle.scalePrices(Self.factor(&generator)) }
    if changes(.volumes) { record.candle.scaleVolumes(Self.factor(&generator)) }
    return record
  }

  /// With others for what must not be read.
  private static func withoutRead(_ record: CandleRecord, _ generator: inout SplitMix64) -> CandleRecord {
    var record = record
    record.candle.scalePrices(factor(&generator))
    record.candle.quoteVolume = record.candle.quoteVolume?.scaled(factor(&generator))
    record.candle.takerBuyQuote = nil
    return record
  }

  private static func revision(
    of record: CandleRecord, after cut: Timestamp, _ generator: inout SplitMix64
  ) -> CandleRecord {
    var revision = record
    revision.candle.scalePrices(factor(&generator))
    revision.candle.scaleVolumes(factor(&generator))
    revision.availableAt = cut.adding(microseconds: 1 + Int64(generator.next() % 3_600_000_000))
    revision.knownAt = max(record.knownAt, revision.availableAt)
    revision.provenance = .patched
    return revision
  }

  /// 0.500–1.499 and never one.
  private static func factor(_ generator: inout SplitMix64) -> Int128 {
    let thousandths = Int128(generator.next() % 1000) + 500
    return thousandths == 1000 ? 999 : thousandths
  }
}

extension Candle {
  fileprivate mutating func scalePrices(_ thousandths: Int128) {
    open = open.scaled(thousandths)
    high = high.scaled(thousandths)
    low = low.scaled(thousandths)
    close = close.scaled(thousandths)
  }

  fileprivate mutating func scaleVolumes(_ thousandths: Int128) {
    volume = volume?.scaled(thousandths)
    quoteVolume = quoteVolume?.scaled(thousandths)
    takerBuyBase = takerBuyBase?.scaled(thousandths)
    takerBuyQuote = takerBuyQuote?.scaled(thousandths)
    trades = trades.map { $0 &* Int64(thousandths) / 1000 }
  }
}

extension Decimal8 {
  /// Rounded up, so that a price stays above zero and the order of two values is kept.
  fileprivate func scaled(_ thousandths: Int128) -> Decimal8 {
    Decimal8(units: (units * thousandths + 999) / 1000) ?? self
  }
}
