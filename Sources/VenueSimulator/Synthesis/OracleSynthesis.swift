import Market

/// What an oracle would have observed of a minute: about one price a second within its range, the last one its close.
struct OracleSynthesis {
  let seed: UInt64
  let feed: Symbol

  /// Three in a hundred seconds bring nothing, but the first and the last always do.
  func ticks(of minute: SynthesisedMinute) -> [OracleTick] {
    let candle = minute.candle
    var random = SplitMix64(seed: seed ^ UInt64(bitPattern: candle.openTime.minute) ^ 0x0AC1_E000)
    let range = OraclePrice(candle.low).units...OraclePrice(candle.high).units
    var price = OraclePrice(candle.open).units
    var next = minute.aggregates[...]
    var ticks: [OracleTick] = []
    ticks.reserveCapacity(60)
    for second in Int64(0)..<60 {
      let time = candle.openTime.adding(microseconds: second * 1_000_000)
      while let first = next.first, first.time <= time {
        price = OraclePrice(first.price).units
        next.removeFirst()
      }
      let isSkipped = random.next() % 100 < 3
      let noise = Int128(Int64.random(in: -1_000_000_000_000_000...1_000_000_000_000_000, using: &random))
      guard !isSkipped || second == 0 || second == 59 else { continue }
      let observed = second == 59 ? OraclePrice(candle.close).units : price + noise
      ticks.append(tick(at: time, min(max(observed, range.lowerBound), range.upperBound)))
    }
    return ticks
  }

  /// Bid and ask lie a hundred-thousandth of the price around it.
  private func tick(at time: Timestamp, _ units: Int128) -> OracleTick {
    OracleTick(
      feed: feed, source: .dataStreams, time: time, price: OraclePrice(units: units),
      bid: OraclePrice(units: units - units / 100_000), ask: OraclePrice(units: units + units / 100_000))
  }
}

extension MarketReader {
  mutating func ticks(_ series: Int, _ index: Int) -> [OracleTick] {
    OracleSynthesis(seed: market.series[series].seed, feed: feed(series)).ticks(of: minute(series, index))
  }

  /// `BTC/USD` for what is `BTCUSDT`.
  func feed(_ series: Int) -> Symbol {
    let pair = InstrumentPair(market.series[series].symbol)
    return Symbol("\(pair.base)/USD") ?? market.series[series].symbol
  }

  /// Observations within `range`, oldest first.
  mutating func ticks(_ series: Int, in range: ClosedRange<Timestamp>) -> [OracleTick] {
    let data = market.series[series]
    var found: [OracleTick] = []
    var index = data.index(from: Timestamp(minute: range.lowerBound.minute))
    while index < data.candles.count, data.candles[index].openTime <= range.upperBound {
      found += ticks(series, index).lazy.filter { range.contains($0.time) }
      index += 1
    }
    return found
  }

  /// The last observation up to `time`.
  mutating func lastTick(_ series: Int, at time: Timestamp) -> OracleTick? {
    let data = market.series[series]
    let index = data.index(from: Timestamp(minute: time.minute + 1)) - 1
    return index < 0 ? nil : ticks(series, index).last { $0.time <= time }
  }

  /// The mean of the observations of the seconds before `time`, that instant included.
  mutating func mean(_ series: Int, seconds: Int64, at time: Timestamp) -> OraclePrice? {
    let ticks = ticks(series, in: time.adding(microseconds: -seconds * 1_000_000 + 1)...time)
    guard !ticks.isEmpty else { return nil }
    return OraclePrice(units: ticks.reduce(0) { $0 + $1.price.units } / Int128(ticks.count))
  }
}

/// The two assets of a symbol without a separator.
struct InstrumentPair: Hashable, Sendable {
  let base: String
  let quote: String

  init(_ symbol: Symbol) {
    let name = symbol.name.filter { $0 != "-" && $0 != "/" }
    let quotes = ["FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USD", "EUR", "BTC", "ETH", "BNB"]
    let quote = quotes.first { name.hasSuffix($0) && name.count > $0.count } ?? ""
    (base, self.quote) = (String(name.dropLast(quote.count)), quote)
  }
}
