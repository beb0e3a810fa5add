import Market

/// A seeded walk of one-minute candles with holes, each available two seconds after its close, some of them corrected
/// later.
struct RandomRecords {
  static let start = Timestamp(minute: 28_401_120)

  var corrections = true

  func callAsFunction(_ count: Int, seed: UInt64) throws -> [CandleRecord] {
    var random = SplitMix64(seed: seed)
    var time = Self.start
    var price = 4_000_000
    var records: [CandleRecord] = []
    for index in 0..<count {
      let record = try record(time, &price, &random)
      records.append(record)
      if corrections, index % 97 == 13 {
        var correction = record
        correction.candle.close = correction.candle.high
        correction.candle.volume = Decimal8("77.5")
        correction.candle.takerBuyBase = nil
        correction.availableAt = record.availableAt.adding(minutes: Int.random(in: 1...90, using: &random))
        correction.knownAt = correction.availableAt
        records.append(correction)
      }
      time = time.adding(minutes: Int.random(in: 0..<200, using: &random) == 0 ? 4 : 1)
    }
    return records
  }

  /// - Parameter price: in cents.
  private func record(
    _ time: Timestamp, _ price: inout Int, _ random: inout SplitMix64
  ) throws -> CandleRecord {
    func decimal(_ cents: Int) -> Decimal8 { Decimal8(units: Int128(cents) * 1_000_000) ?? .zero }
    let open = price
    price += Int.random(in: -2000...2000, using: &random)
    let high = max(open, price) + Int.random(in: 1...800, using: &random)
    let low = min(open, price) - Int.random(in: 1...800, using: &random)
    let volume = Int.random(in: 50...6000, using: &random)
    let candle = Candle(
      openTime: time, open: decimal(open), high: decimal(high), low: decimal(low), close: decimal(price),
      volume: decimal(volume), quoteVolume: decimal(volume * 400), trades: Int64.random(in: 20...2000, using: &random),
      takerBuyBase: decimal(Int.random(in: 0...volume, using: &random)),
      takerBuyQuote: decimal(Int.random(in: 0...volume * 400, using: &random)))
    let available = candle.closeTime.adding(microseconds: 2_000_000)
    return CandleRecord(
      candle: candle, availableAt: available, knownAt: available, provenance: .live, isAvailabilityAssumed: false)
  }
}

extension [CandleRecord] {
  /// Of the series that versions are made for.
  var events: [MarketEvent] { map { .candle(MadeVersion.view.price, $0) } }
}

extension MarketEvent {
  var record: CandleRecord {
    switch self {
    case .candle(_, let record): record
    }
  }
}
