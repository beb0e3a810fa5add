package import Market

/// A change to everything that became available after a moment, and to nothing before it.
package enum Perturbation: String, Sendable, CaseIterable, Codable {
  /// Nothing changes: what differs then is not deterministic.
  case repetition
  case prices
  case volumes
  case deletions
  /// Earlier candles get later versions, available after the moment.
  case revisions
  case everything

  /// The records with those available after `cut` changed, sorted by open time and availability.
  package func applied(to records: [CandleRecord], after cut: Timestamp, seed: UInt64) -> [CandleRecord] {
    var generator = SplitMix64(seed: seed)
    var result: [CandleRecord] = []
    result.reserveCapacity(records.count)
    for record in records {
      if record.availableAt <= cut {
        result.append(record)
        if changes(.revisions), generator.next() % 4 == 0 {
          result.append(Self.revision(of: record, after: cut, &generator))
        }
      } else if !(changes(.deletions) && generator.next() % 3 == 0) {
        result.append(changed(record, &generator))
      }
    }
    return result.sorted { ($0.candle.openTime, $0.availableAt) < ($1.candle.openTime, $1.availableAt) }
  }

  private func changes(_ part: Perturbation) -> Bool { self == part || self == .everything }

  private func changed(_ record: CandleRecord, _ generator: inout SplitMix64) -> CandleRecord {
    var record = record
    if changes(.prices) { record.candle.scalePrices(Self.factor(&generator)) }
    if changes(.volumes) { record.candle.scaleVolumes(Self.factor(&generator)) }
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
