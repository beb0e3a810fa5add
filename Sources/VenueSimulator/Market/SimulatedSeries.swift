import Market

/// The minutes of one instrument that a simulator plays, every column known, ids counted through.
struct SimulatedSeries: Sendable {
  let symbol: Symbol
  /// Complete and shifted to the simulator's time; sorted by open time.
  let candles: [Candle]
  /// The id of the first trade of each minute, and one more for the end.
  let firstTradeIds: [Int64]
  /// The id of the first aggregate of each minute, and one more for the end.
  let firstAggregateIds: [Int64]
  let grid: PriceGrid
  /// What was added to the file's times.
  let shiftMinutes: Int64
  /// What the trades of this series are drawn from.
  let seed: UInt64
  private let firstMinute: Int64
  /// Index of a minute, or of the next one that exists, counted from `firstMinute`.
  private let indices: [Int32]

  init(_ symbol: Symbol, candles: [Candle], shiftMinutes: Int64, seed: UInt64) {
    self.symbol = symbol
    self.shiftMinutes = shiftMinutes
    grid = PriceGrid(of: candles)
    self.seed = seed ^ symbol.name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    var complete: [Candle] = []
    var tradeIds: [Int64] = [1]
    var aggregateIds: [Int64] = [1]
    complete.reserveCapacity(candles.count)
    for candle in candles {
      let synthesis = TradeSynthesis(grid: grid, seed: self.seed ^ UInt64(bitPattern: candle.openTime.minute))
      var whole = synthesis.completed(candle)
      tradeIds.append(tradeIds[tradeIds.count - 1] + (whole.trades ?? 0))
      aggregateIds.append(aggregateIds[aggregateIds.count - 1] + synthesis.aggregateCount(of: whole))
      whole.openTime = candle.openTime.adding(minutes: Int(shiftMinutes))
      complete.append(whole)
    }
    (self.candles, firstTradeIds, firstAggregateIds) = (complete, tradeIds, aggregateIds)
    firstMinute = complete.first?.openTime.minute ?? 0
    let span = (complete.last?.openTime.minute ?? -1) - firstMinute + 1
    var indices: [Int32] = []
    indices.reserveCapacity(Int(max(0, span)))
    for (index, candle) in complete.enumerated() {
      while Int64(indices.count) <= candle.openTime.minute - firstMinute { indices.append(Int32(index)) }
    }
    self.indices = indices
  }

  var end: Timestamp { candles.last?.closeTime ?? .distantPast }

  /// The first minute that opens at `time` or later; `candles.count` after the end.
  func index(from time: Timestamp) -> Int {
    let minute = time.isMinuteAligned ? time.minute : time.minute + 1
    guard minute > firstMinute else { return 0 }
    let offset = minute - firstMinute
    return offset < Int64(indices.count) ? Int(indices[Int(offset)]) : candles.count
  }

  /// The minute that `time` is in.
  func index(containing time: Timestamp) -> Int? {
    let index = index(from: Timestamp(minute: time.minute))
    return index < candles.count && candles[index].openTime.minute == time.minute ? index : nil
  }

  /// The minute that a trade is in; `nil` for ids that do not exist.
  func index(ofTrade id: Int64) -> Int? { Self.index(of: id, in: firstTradeIds) }

  func index(ofAggregate id: Int64) -> Int? { Self.index(of: id, in: firstAggregateIds) }

  private static func index(of id: Int64, in firstIds: [Int64]) -> Int? {
    guard let first = firstIds.first, let end = firstIds.last, id >= first, id < end else { return nil }
    var (low, high) = (0, firstIds.count - 1)
    while high - low > 1 {
      let middle = (low + high) / 2
      if firstIds[middle] <= id { low = middle } else { high = middle }
    }
    return low
  }

  func synthesis(_ index: Int) -> SynthesisedMinute {
    let candle = candles[index]
    let minute = candle.openTime.minute - shiftMinutes
    return TradeSynthesis(grid: grid, seed: seed ^ UInt64(bitPattern: minute)).minute(
      candle, firstTradeId: firstTradeIds[index], firstAggregateId: firstAggregateIds[index])
  }
}

/// The steps in which prices and quantities of an instrument move, in 10⁻⁸, as its candles show them.
struct PriceGrid: Hashable, Sendable {
  let tick: Int64
  let step: Int64

  init(tick: Int64, step: Int64) { (self.tick, self.step) = (tick, step) }

  /// The coarsest powers of ten that every price and every volume is a multiple of, and that leave a step for every
  /// trade.
  init(of candles: [Candle]) {
    var (tick, step) = (Int64(100_000_000), Int64(100_000_000))
    for candle in candles {
      for price in [candle.open, candle.high, candle.low, candle.close] {
        while tick > 1, price.units % Int128(tick) != 0 { tick /= 10 }
      }
      for amount in [candle.volume, candle.takerBuyBase] {
        guard let amount else { continue }
        while step > 1, amount.units % Int128(step) != 0 { step /= 10 }
      }
      guard let volume = candle.volume, let trades = candle.trades, volume.units > 0 else { continue }
      while step > 1, volume.units / Int128(step) < Int128(trades) { step /= 10 }
    }
    (self.tick, self.step) = (tick, step)
  }

  func price(_ ticks: Int64) -> Decimal8 { Decimal8(units: Int128(ticks) * Int128(tick)) ?? .zero }
  func quantity(_ steps: Int64) -> Decimal8 { Decimal8(units: Int128(steps) * Int128(step)) ?? .zero }
  func ticks(_ price: Decimal8) -> Int64 { Int64(price.units / Int128(tick)) }
  func steps(_ quantity: Decimal8) -> Int64 { Int64(quantity.units / Int128(step)) }

  /// Ticks times steps in 10⁻¹⁶.
  var product: Int128 { Int128(tick) * Int128(step) }

  /// An amount of the quote asset in ticks times steps, to the nearest.
  func gridAmount(_ quote: Decimal8) -> Int128 { (quote.units * 100_000_000 + product / 2) / product }

  /// The nearest amount of the quote asset to ticks times steps.
  func quoteAmount(_ gridAmount: Int128) -> Decimal8 {
    Decimal8(units: (gridAmount * product + 50_000_000) / 100_000_000) ?? .zero
  }
}
