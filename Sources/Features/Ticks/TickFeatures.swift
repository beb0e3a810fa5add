package import Market

/// The one kernel of the tick cadence: trades, quotes and whole minutes in, the twelve inputs of any moment out.
package struct TickFeatures: Sendable {
  package private(set) var trades = TradeWindow()
  package private(set) var quote: Quote?
  private var quoteTime = Timestamp.distantPast
  /// Ascending, of a little more than the last day.
  private var candles: [FeatureInput] = []
  /// The minute that `minutes` was made for.
  private var minute: Int64?
  private var minutes = MinuteInputs()

  package init() {}

  /// From here on every trade comes.
  package mutating func beginTrades(at time: Timestamp) { trades.begin(at: time) }

  /// Trades may have been missed.
  package mutating func interruptTrades() { trades.interrupt() }

  package mutating func update(_ trade: Trade) { trades.add(trade) }

  package mutating func update(_ quote: Quote, at time: Timestamp) {
    guard time >= quoteTime else { return }
    (self.quote, quoteTime) = (quote, time)
  }

  /// A quote that is gone says nothing of the market.
  package mutating func forgetQuote() { (quote, quoteTime) = (nil, .distantPast) }

  /// A whole minute: the next one, a late one, or another version of one seen before.
  package mutating func update(_ candle: FeatureInput) {
    var place = candles.count
    while place > 0, candles[place - 1].openTime >= candle.openTime { place -= 1 }
    if place < candles.count, candles[place].openTime == candle.openTime {
      candles[place] = candle
    } else {
      candles.insert(candle, at: place)
    }
    if candles.count > 2 * MinuteInputs.minutes { candles.removeFirst(candles.count - MinuteInputs.minutes) }
    minute = nil
  }

  /// Does now what the next moment would otherwise wait for: after the minutes that are known, and before it.
  package mutating func prepare() {
    guard minute == nil, let newest = candles.last else { return }
    foldMinutes(before: newest.openTime.adding(minutes: 1))
  }

  private mutating func foldMinutes(before time: Timestamp) {
    minute = time.minute
    minutes = MinuteInputs(candles, before: time)
  }

  /// When something was last heard that is still current: the newer of trade and quote.
  package var heardAt: Timestamp? {
    [trades.lastTime, quote.map { _ in quoteTime }].compactMap(\.self).max()
  }

  /// Time never goes back.
  package mutating func inputs(at time: Timestamp) -> TickInputs {
    trades.advance(to: time)
    if minute != time.minute { foldMinutes(before: time) }
    let values = [
      trades.lastPrice, trades.change, trades.longChange, trades.meanPrice, trades.volume,
      minutes.averageVolume.known, trades.intensity, quote?.relativeSpread, quote?.imbalance,
      minutes.strength.known, minutes.signal.known, minutes.bandPosition.known,
    ]
    return TickInputs(time: time, values: values, reference: minutes.meanClose.known)
  }
}

extension Double {
  /// `nil` for NaN.
  fileprivate var known: Double? { isNaN ? nil : self }
}

extension Quote {
  /// (ask − bid) / bid.
  var relativeSpread: Double? {
    guard bidPrice.units > 0 else { return nil }
    return Double(nearest: askPrice.units - bidPrice.units) / Double(nearest: bidPrice.units)
  }

  /// (bid value − ask value) / (bid value + ask value), −1 … 1.
  var imbalance: Double? {
    let bid = Double(nearest: bidPrice.units) * Double(nearest: bidQuantity.units)
    let ask = Double(nearest: askPrice.units) * Double(nearest: askQuantity.units)
    return bid + ask > 0 ? (bid - ask) / (bid + ask) : nil
  }
}
