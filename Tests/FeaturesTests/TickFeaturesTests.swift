import Features
import Market
import TestSupport
import Testing

@Suite struct TickFeaturesTests {
  private static let seeds = Array(0..<(Soak.isOn ? 2000 : 20) as Range<UInt64>)

  private func time(_ seconds: Double) -> Timestamp {
    Timestamp(microseconds: 1_700_000_000_000_000 + Int64(seconds * 1e6))
  }

  private func trade(_ id: Int64, _ seconds: Double, cents: Int64, thousandths: Int64, count: Int64 = 1) -> Trade {
    Trade(
      id: id, time: time(seconds), price: Decimal8(units: Int128(cents) * 1_000_000)!,
      quantity: Decimal8(units: Int128(thousandths) * 100_000)!, isTakerBuyer: id % 2 == 0, count: count)
  }

  private func quote(_ bid: Int64, _ bidQuantity: Int64, _ ask: Int64, _ askQuantity: Int64) -> Quote {
    func decimal(_ value: Int64) -> Decimal8 { Decimal8(units: Int128(value) * 1_000_000)! }
    return Quote(
      bidPrice: decimal(bid), bidQuantity: decimal(bidQuantity), askPrice: decimal(ask),
      askQuantity: decimal(askQuantity)
    )
  }

  // MARK: Trades

  /// What the window says, by looking at every trade there is.
  private struct Naive {
    let trades: [Trade]
    let now: Timestamp

    private func last(_ seconds: Int64) -> [Trade] {
      trades.filter { $0.time > now.adding(microseconds: -seconds * 1_000_000) }
        .sorted { ($0.time, $0.id) < ($1.time, $1.id) }
    }

    private func change(_ seconds: Int64) -> Double? {
      let window = last(seconds)
      guard let first = window.first, let last = window.last else { return nil }
      return (last.price.doubleValue - first.price.doubleValue) / first.price.doubleValue
    }

    var volume: Double { last(60).reduce(0) { $0 + $1.quantity.doubleValue } }
    var paid: Double { last(60).reduce(0) { $0 + $1.price.doubleValue * $1.quantity.doubleValue } }
    var intensity: Double { Double(last(60).reduce(0) { $0 + $1.count }) / 60 }
    var change: Double? { change(60) }
    var longChange: Double? { change(300) }
  }

  @Test(arguments: seeds) func `windows hold what a look at every trade finds`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var window = TradeWindow()
    window.begin(at: time(0))
    var (all, late): ([Trade], [Trade]) = ([], [])
    var seconds = 0.0
    for id in 1...2000 {
      seconds += Double.random(in: 0...1.5, using: &random) * (id % 97 == 0 ? 100 : 1)
      let next = trade(
        Int64(id), (seconds * 1000).rounded() / 1000, cents: .random(in: 5_000_000...5_010_000, using: &random),
        thousandths: .random(in: 1...5000, using: &random), count: .random(in: 1...4, using: &random))
      all.append(next)
      if Int.random(in: 0..<20, using: &random) == 0 { late.append(next) } else { window.add(next) }
      if Int.random(in: 0..<30, using: &random) == 0 {
        for trade in late.shuffled(using: &random) { window.add(trade) }
        late = []
        // Again: a repetition changes nothing.
        if let again = all.suffix(20).randomElement(using: &random) { window.add(again) }
        window.advance(to: next.time)
        let naive = Naive(trades: all, now: next.time)
        guard seconds > 300 else { continue }
        try expect(window, naive, "seed \(seed), trade \(id)")
      }
    }
  }

  private func expect(_ window: TradeWindow, _ naive: Naive, _ place: Comment) throws {
    let pairs: [(Double?, Double?)] = [
      (window.volume, naive.volume), (window.meanPrice, naive.paid / naive.volume),
      (window.intensity, naive.intensity), (window.change, naive.change), (window.longChange, naive.longChange),
    ]
    for (found, expected) in pairs {
      let (found, expected) = (try #require(found, place), try #require(expected, place))
      #expect(abs(found - expected) <= 1e-10 * max(1, abs(expected)), place)
    }
  }

  @Test func `the order of arrival changes no bit`() {
    let trades = (1...400).map {
      trade(Int64($0), Double($0) / 4, cents: 5_000_000 + Int64($0 * 37 % 901), thousandths: 3)
    }
    var ordered = TradeWindow()
    var shuffled = TradeWindow()
    ordered.begin(at: time(-600))
    shuffled.begin(at: time(-600))
    var random = SplitMix64(seed: 3)
    for trade in trades { ordered.add(trade) }
    for trade in trades.shuffled(using: &random) { shuffled.add(trade) }
    #expect(ordered.volume == shuffled.volume)
    #expect(ordered.meanPrice == shuffled.meanPrice)
    #expect(ordered.change == shuffled.change)
    #expect(ordered.longChange == shuffled.longChange)
    #expect(ordered.lastPrice == shuffled.lastPrice)
  }

  @Test func `a window that was not seen whole is not known`() {
    var window = TradeWindow()
    window.add(trade(1, 0, cents: 100, thousandths: 1))
    #expect(window.lastPrice == nil)
    window.begin(at: time(0))
    window.add(trade(2, 59, cents: 100, thousandths: 1))
    #expect(window.lastPrice == 1)
    #expect(window.volume == nil && window.change == nil && window.intensity == nil)
    window.advance(to: time(60))
    #expect(window.volume == 0.001)
    #expect(window.longChange == nil)
    window.advance(to: time(300))
    #expect(window.volume == 0)
    #expect(window.longChange == 0)
    #expect(window.meanPrice == nil)
    window.interrupt()
    #expect(window.lastPrice == nil && window.volume == nil)
  }

  // MARK: Minutes

  @Test(arguments: seeds) func `a day of minutes gives the columns of the candle kernel`(seed: UInt64) throws {
    let candles = RandomCandles()(seed: seed, count: MinuteInputs.minutes)
    let end = try #require(candles.last).openTime.adding(minutes: 1)
    var engine = FeatureEngine()
    for candle in candles { engine.update(candle) }
    let inputs = MinuteInputs(candles, before: end)
    let names = FeatureSet.candles
    let signal = engine[try #require(names.index(of: "macd_signal"))]
    let position = engine[try #require(names.index(of: "bb_position_20"))]
    #expect(inputs.signal == signal)
    #expect(inputs.bandPosition == position)
    let volume: Double = candles.suffix(5).map(\.volume).reduce(0, +) / 5
    let close: Double = candles.suffix(60).map(\.close).reduce(0, +) / 60
    #expect(inputs.averageVolume == volume)
    #expect(inputs.meanClose == close)
  }

  @Test(arguments: seeds) func `strength is RSI 14 of five-minute closes`(seed: UInt64) throws {
    let candles = RandomCandles()(seed: seed, count: MinuteInputs.minutes)
    let end = try #require(candles.last).openTime.adding(minutes: 1)
    let closes = candles.filter { $0.openTime.minute % 5 == 4 }.map(\.close)
    let changes: [Double] = zip(closes.dropFirst(), closes).map { $0 - $1 }
    var gain: Double = changes.prefix(14).map { max($0, 0) }.reduce(0, +) / 14
    var loss: Double = changes.prefix(14).map { max(-$0, 0) }.reduce(0, +) / 14
    for change in changes.dropFirst(14) {
      gain = (gain * 13 + max(change, 0)) / 14
      loss = (loss * 13 + max(-change, 0)) / 14
    }
    let strength: Double = 100 * gain / (gain + loss)
    #expect(abs(MinuteInputs(candles, before: end).strength - strength) < 1e-9)
  }

  @Test func `minutes before the last day and after now count for nothing`() throws {
    let candles = RandomCandles()(seed: 4, count: MinuteInputs.minutes + 500)
    let end = candles[candles.count - 100].openTime
    let counted = candles.filter { $0.openTime < end }.suffix(MinuteInputs.minutes)
    #expect(MinuteInputs(candles, before: end) == MinuteInputs(Array(counted), before: end))
  }

  @Test func `without the newest minute nothing of minutes is known`() throws {
    let candles = RandomCandles()(seed: 4, count: 200)
    let end = try #require(candles.last).openTime.adding(minutes: 2)
    let inputs = MinuteInputs(candles, before: end)
    let values = [inputs.strength, inputs.signal, inputs.bandPosition, inputs.averageVolume, inputs.meanClose]
    #expect(values.allSatisfy { $0.isNaN })
  }

  // MARK: All

  @Test(arguments: seeds) func `late and revised minutes give the bits of those that came in time`(seed: UInt64) throws
  {
    let truth = RandomCandles(hasHoles: true)(seed: seed, count: 1700)
    var random = SplitMix64(seed: seed)
    var (ordered, amended) = (TickFeatures(), TickFeatures())
    for candle in truth { ordered.update(candle) }
    var late: [FeatureInput] = []
    for candle in truth {
      if Bool.random(using: &random) { amended.prepare() }
      if Int.random(in: 0..<10, using: &random) == 0 {
        late.append(candle)
        guard Bool.random(using: &random) else { continue }
        var wrong = candle
        wrong.close = wrong.open
        amended.update(wrong)
      } else {
        amended.update(candle)
      }
    }
    for candle in late.shuffled(using: &random) {
      amended.update(candle)
      amended.prepare()
    }
    let end = try #require(truth.last).openTime.adding(minutes: 1)
    #expect(ordered.inputs(at: end) == amended.inputs(at: end))
  }

  @Test func `the twelve inputs have the printed values`() throws {
    var features = TickFeatures()
    features.beginTrades(at: time(-400))
    features.update(trade(1, -290, cents: 5_000_000, thousandths: 1000))
    features.update(trade(2, -50, cents: 5_010_000, thousandths: 2000, count: 2))
    features.update(trade(3, -10, cents: 5_020_000, thousandths: 1000, count: 4))
    features.update(quote(50_199, 2, 50_201, 1), at: time(-5))
    let inputs = features.inputs(at: time(0))
    func value(_ name: String) -> Double? { zip(TickInputs.names, inputs.values).first { $0.0 == name }?.1 }
    #expect(value("current_price") == 50_200)
    let (change, longChange, mean): (Double, Double, Double) = (100.0 / 50_100, 200.0 / 50_000, 150_400.0 / 3)
    #expect(value("price_change_1m") == change)
    #expect(value("price_change_5m") == longChange)
    #expect(value("vwap") == mean)
    #expect(value("volume") == 3)
    let intensity: Double = 6.0 / 60
    let (spread, bid, ask): (Double, Double, Double) = (2.0 / 50_199, 100_398, 50_201)
    let imbalance = (bid - ask) / (bid + ask)
    #expect(value("trade_intensity") == intensity)
    #expect(value("bid_ask_spread") == spread)
    #expect(value("order_book_imbalance") == imbalance)
    #expect(inputs.missing == ["volume_avg_1m", "rsi_5m", "macd_signal", "bollinger_position"])
    #expect(inputs.networkInputs == nil)
    #expect(features.heardAt == time(-5))
  }

  @Test func `a network sees prices as log ratios to the last hour's mean close`() throws {
    var values = [Double?](repeating: 1, count: 12)
    (values[0], values[3]) = (110, 90)
    let inputs = try #require(TickInputs(time: time(0), values: values, reference: 100).networkInputs)
    #expect(abs(inputs[0] - 0.0953101798043249) < 1e-15)
    #expect(abs(inputs[3] + 0.1053605156578263) < 1e-15)
    #expect(inputs[1] == 1)
    #expect(TickInputs(time: time(0), values: values, reference: nil).networkInputs == nil)
  }
}
