package import Market

/// Trades of one taker order at one price and instant.
package struct AggregateTrade: Hashable, Sendable {
  package var id: Int64
  package var firstTradeId: Int64
  package var count: Int64
  package var time: Timestamp
  package var price: Decimal8
  package var quantity: Decimal8
  package var isTakerBuyer: Bool

  package var lastTradeId: Int64 { firstTradeId + count - 1 }
}

/// What a minute is made of.
package struct SynthesisedMinute: Sendable {
  package var candle: Candle
  package var aggregates: [AggregateTrade]
  package var firstTradeId: Int64
  let grid: PriceGrid

  /// The trades of an aggregate, one by one; their quantities add up to its own.
  package func trades(of aggregate: AggregateTrade) -> [Trade] {
    let steps = grid.steps(aggregate.quantity)
    let (share, rest) = steps.quotientAndRemainder(dividingBy: aggregate.count)
    return (0..<aggregate.count).map { offset in
      Trade(
        id: aggregate.firstTradeId + offset, time: aggregate.time, price: aggregate.price,
        quantity: grid.quantity(share + (offset < rest ? 1 : 0)), isTakerBuyer: aggregate.isTakerBuyer)
    }
  }

  package var trades: [Trade] { aggregates.flatMap(trades) }

  /// Of the trades up to an instant, that one included; `nil` before the first.
  func candle(upTo time: Timestamp) -> Candle? {
    if time >= candle.closeTime { return candle }
    guard let first = aggregates.first, first.time <= time else { return nil }
    var partial = Candle(
      openTime: candle.openTime, open: first.price, high: first.price, low: first.price, close: first.price)
    var (volume, bought, quote, boughtQuote, count) = (Int64(0), Int64(0), Int128(0), Int128(0), Int64(0))
    for aggregate in aggregates {
      guard aggregate.time <= time else { break }
      partial.high = max(partial.high, aggregate.price)
      partial.low = min(partial.low, aggregate.price)
      partial.close = aggregate.price
      let steps = grid.steps(aggregate.quantity)
      let amount = Int128(steps) * Int128(grid.ticks(aggregate.price))
      (volume, quote, count) = (volume + steps, quote + amount, count + aggregate.count)
      if aggregate.isTakerBuyer { (bought, boughtQuote) = (bought + steps, boughtQuote + amount) }
    }
    partial.volume = grid.quantity(volume)
    partial.quoteVolume = grid.quoteAmount(quote)
    partial.trades = count
    partial.takerBuyBase = grid.quantity(bought)
    partial.takerBuyQuote = grid.quoteAmount(boughtQuote)
    return partial
  }

  /// The last aggregate up to an instant, that one included.
  func last(at time: Timestamp) -> AggregateTrade? { aggregates.last { $0.time <= time } }
}
