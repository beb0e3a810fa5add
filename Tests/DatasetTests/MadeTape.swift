import Features
import Market
import TestSupport

@testable import Dataset

/// A made-up stretch of tape: what a live reader had, in order.
struct MadeTape {
  enum Event {
    case tick(TickEvent)
    case minute(FeatureInput)
  }

  static let series = Series(.binance, .btcusdt)
  static let start = Timestamp("2024-03-01T00:00:00Z")!
  static let intervalMicroseconds: Int64 = 1_500_000

  var events: [(time: Timestamp, event: Event)] = []

  /// A day of minutes before the start, then trades, quotes and minutes, with some interruptions.
  init(seed: UInt64, minutes: Int, interruptions: Int = 3) {
    var random = SplitMix64(seed: seed)
    var price = 60_000.0
    for minute in -130..<0 { minuteSealed(minute, price: 60_000 + Double(minute % 7), &random) }
    let end = Self.start.adding(minutes: minutes)
    let holes = (0..<interruptions).map { _ in Int.random(in: 2..<minutes, using: &random) }
    var time = Self.start
    var id: Int64 = 1
    var minute = 0
    tick(.tradesBegin(Self.series, at: time), at: time)
    while time < end {
      time = time.adding(microseconds: Int64.random(in: 10_000...1_900_000, using: &random))
      while Self.start.adding(minutes: minute + 1) <= time {
        minuteSealed(minute, price: price, &random)
        if holes.contains(minute) {
          tick(.interrupted(Self.series), at: time)
          tick(.tradesBegin(Self.series, at: time), at: time)
        }
        minute += 1
      }
      price += Double(Int.random(in: -300...300, using: &random)) / 100
      let units = Int128((price * 100).rounded()) * 1_000_000
      if Int.random(in: 0..<3, using: &random) == 0 {
        let quote = Quote(
          bidPrice: Decimal8(units: units - 1_000_000)!,
          bidQuantity: Decimal8(units: .random(in: 1...9, using: &random))!,
          askPrice: Decimal8(units: units + 1_000_000)!,
          askQuantity: Decimal8(units: .random(in: 1...9, using: &random))!)
        tick(.quote(Self.series, quote), at: time)
      } else {
        // Some trades come a little late.
        let late = Int.random(in: 0..<5, using: &random) == 0 ? Int64(1_200_000) : 20_000
        let trade = Trade(
          id: id, time: time.adding(microseconds: -late), price: Decimal8(units: units)!,
          quantity: Decimal8(units: .random(in: 1...99_999_999, using: &random))!, isTakerBuyer: true)
        tick(.trade(Self.series, trade), at: time)
        id += 1
      }
    }
  }

  private mutating func tick(_ event: TickEvent, at time: Timestamp) { events.append((time, .tick(event))) }

  private mutating func minuteSealed(_ minute: Int, price: Double, _ random: inout SplitMix64) {
    let open = Self.start.adding(minutes: minute)
    let candle = FeatureInput(
      openTime: open, open: price, high: price, low: price, close: price + Double.random(in: -5...5, using: &random),
      volume: .random(in: 1...9, using: &random))
    events.append((max(Self.start, open.adding(minutes: 1)), .minute(candle)))
  }

  /// The moments of the cadence and the points of them, as a live reader has them.
  func build(in range: Range<Timestamp> = Timestamp.distantPast..<Timestamp.distantFuture) -> TickDatasetBuilder {
    let header = TickDatasetHeader(
      view: MarketView(price: Self.series), intervalMilliseconds: 1500, horizonSeconds: 60, isSynthetic: true)
    var builder = TickDatasetBuilder(Self.series, header: header, range: range)
    var features = TickFeatures()
    var due = Self.start
    for (time, event) in events {
      builder.advance(to: time)
      // Only the newest moment that is due has a point.
      var moment: Timestamp?
      while due <= time { (moment, due) = (due, due.adding(microseconds: Self.intervalMicroseconds)) }
      if let moment { builder.add(features.inputs(at: moment), trend: nil) }
      switch event {
      case .minute(let candle): features.update(candle)
      case .tick(let event):
        builder.take(event)
        switch event {
        case .tradesBegin(_, let time): features.beginTrades(at: time)
        case .interrupted:
          features.interruptTrades()
          features.forgetQuote()
        case .trade(_, let trade): features.update(trade)
        case .quote(_, let quote): features.update(quote, at: time)
        case .snapshot: break
        }
      }
    }
    return builder
  }

  func dataset(in folder: TemporaryFolder, _ range: Range<Timestamp> = Timestamp.distantPast..<Timestamp.distantFuture)
    throws
    -> TickDataset
  {
    let path = folder.path + "/ticks"
    _ = try build(in: range).write(to: path)
    return try TickDataset(path: path)
  }
}
