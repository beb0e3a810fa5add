import Features
import Market
import Models
import Pipeline
import TestSupport

/// What happens between candles, on a market of twenty trades and quotes a second.
enum TickBenchmarks {
  static let all = [
    // Twelve inputs of the moment that is due, the network on the last five points, and all rows of the answer.
    Benchmark("ticks.point_to_prediction") { name, _ in
      var market = try TickMarket()
      var sum = 0.0
      let measurement = Measurement.latency(name, count: 20_000, before: { _ in market.goOn() }) { _ in
        sum += market.decide()
      }
      precondition(sum > 0, "the work must not be optimised away")
      return measurement
    },
    // One trade or quote, as most of them are: no moment is due.
    Benchmark("ticks.event") { name, _ in
      var market = try TickMarket()
      return Measurement.latency(name, count: 200_000, before: { _ in market.makeEvent() }) { _ in market.takeEvent() }
    },
  ]
}

/// A stage that has an hour of trades behind it, and what it is told next.
private struct TickMarket {
  private static let eventsASecond: Int64 = 40
  private static let cadence = TickCadence()
  private static let view = MadeVersion.view

  private var stage = TickStage(view, cadence, mode: .live)
  private var generator = SplitMix64(seed: 3)
  private var now = Timestamp(minute: 28_400_000)
  private var count: Int64 = 0
  private var price = 6_000_000.0
  private var event: TickEvent?

  init() throws {
    let folder = try ScratchFolder()
    let made = MadeTickVersion(
      shape: .sequence, view: Self.view, inputsHash: TickInputs.hash.description, inputNames: TickInputs.names)
    let model = try TickModel(
      path: try made.write(in: folder.path), view: Self.view, inputsHash: TickInputs.hash.description,
      inputNames: TickInputs.names)
    stage.serve(ServedTickVersion(model, standing: .production))
    for minute in -1440..<0 { stage.take(candle(now.adding(minutes: minute))) }
    stage.take(.tradesBegin(stage.series, at: now), at: now)
    for _ in 0..<(400 * Self.eventsASecond) {
      makeEvent()
      takeEvent()
      _ = stage.advance(to: now)
    }
  }

  /// To the moment that is due next, with all that comes before it.
  mutating func goOn() {
    let interval = Self.cadence.intervalMilliseconds * 1000
    let moment = (now.microseconds / interval + 1) * interval
    while now.microseconds < moment {
      if event != nil { takeEvent() }
      makeEvent()
    }
  }

  /// The predicted price.
  mutating func decide() -> Double {
    let predictions = stage.advance(to: now)
    precondition(predictions.first?.modelName == .mlp, "the network answers")
    return predictions[0].forecast?.predicted ?? 0
  }

  mutating func makeEvent() {
    let minute = now.minute
    now = now.adding(microseconds: 1_000_000 / Self.eventsASecond)
    count += 1
    if now.minute != minute {
      stage.take(candle(Timestamp(minute: minute)))
      stage.prepare()
    }
    price += Double.random(in: -100...100, using: &generator)
    let quantity = Decimal8(units: .random(in: 1...2_000_000, using: &generator)) ?? .zero
    if count.isMultiple(of: 2) {
      let trade = Trade(
        id: count, time: now, price: decimal(price), quantity: quantity, isTakerBuyer: count.isMultiple(of: 4))
      event = .trade(stage.series, trade)
    } else {
      let quote = Quote(
        bidPrice: decimal(price - 1), bidQuantity: quantity, askPrice: decimal(price + 1), askQuantity: quantity)
      event = .quote(stage.series, quote)
    }
  }

  mutating func takeEvent() {
    guard let event else { return }
    stage.take(event, at: now)
    self.event = nil
  }

  /// In cents.
  private func decimal(_ cents: Double) -> Decimal8 { Decimal8(units: Int128(cents.rounded()) * 1_000_000) ?? .zero }

  private func candle(_ openTime: Timestamp) -> MarketEvent {
    let close = decimal(price + Double(openTime.minute % 11) * 100)
    let candle = Candle(
      openTime: openTime, open: close, high: close, low: close, close: close, volume: decimal(500))
    return .candle(
      Self.view.price,
      CandleRecord(
        candle: candle, availableAt: candle.closeTime, knownAt: candle.closeTime, provenance: .live,
        isAvailabilityAssumed: false))
  }
}
