internal import Features
internal import Market

/// The prices of a venue's trades as far as windows read them: windows begin at the open of their first minute and end at
/// the close of their last.
struct TradedPrices: Sendable {
  /// All lengths of windows are multiples of it.
  private static let stepMinutes: Int64 = 5
  private static let keptMinutes: Int64 = 60

  private struct First: Sendable {
    let id: Int64
    let time: Timestamp
    let price: Double
  }

  private let series: Series
  /// From when on every trade has come; `nil` while some may be missing.
  private var coveredFrom: Timestamp?
  /// The first trade of minutes at which windows may begin, and the opens of their candles.
  private var firsts: [Int64: First] = [:]
  private var opens: [Int64: Double] = [:]

  init(_ series: Series) { self.series = series }

  mutating func take(_ event: TickEvent) {
    switch event {
    case .tradesBegin(series, let time): coveredFrom = time
    case .interrupted(series): coveredFrom = nil
    case .trade(series, let trade): if let coveredFrom { note(trade, coveredFrom: coveredFrom) }
    case .snapshot(series, let snapshot):
      for candle in snapshot.candles { note(candle) }
      guard let start = snapshot.tradesFrom else { return }
      for trade in snapshot.trades { note(trade, coveredFrom: start) }
    default: break
    }
  }

  mutating func take(_ event: MarketEvent) {
    guard case .candle(series, let record) = event else { return }
    note(record.candle)
  }

  private mutating func note(_ trade: Trade, coveredFrom: Timestamp) {
    let minute = trade.time.minute
    guard minute % Self.stepMinutes == 0, coveredFrom <= Timestamp(minute: minute) else { return }
    if let first = firsts[minute], (first.time, first.id) <= (trade.time, trade.id) { return }
    firsts[minute] = First(id: trade.id, time: trade.time, price: trade.price.doubleValue)
    firsts = firsts.filter { $0.key > minute - Self.keptMinutes }
  }

  private mutating func note(_ candle: Candle) {
    let minute = candle.openTime.minute
    guard minute % Self.stepMinutes == 0 else { return }
    opens[minute] = candle.open.doubleValue
    opens = opens.filter { $0.key > minute - Self.keptMinutes }
  }

  func reading(
    of window: ClockWindow, at point: TickPoint, maxAgeMilliseconds: Int64
  ) throws(WindowSilence) -> WindowReading {
    guard let price = point.inputs.price, let age = point.ageMilliseconds, price > 0 else {
      throw WindowSilence(code: "stale", reason: "no trade has come")
    }
    guard age <= maxAgeMilliseconds else {
      throw WindowSilence(code: "stale", reason: "the newest trade or quote is \(age) ms old")
    }
    guard let strike = strike(of: window, newest: price) else {
      throw WindowSilence(code: "no_strike", reason: "the price at which the window began is not known")
    }
    return WindowReading(
      price: price, ageMilliseconds: age, source: point.source, strike: strike,
      outlook: WindowOutlook(spot: price, minutesLeft: window.exactMinutesLeft(at: point.inputs.time)))
  }

  /// A window without a trade so far begins at the next one, for which the newest is the best guess.
  private func strike(of window: ClockWindow, newest: Double) -> Double? {
    let minute = window.start.minute
    if let strike = opens[minute] ?? firsts[minute]?.price { return strike }
    guard let coveredFrom, coveredFrom <= window.start else { return nil }
    return newest
  }
}
