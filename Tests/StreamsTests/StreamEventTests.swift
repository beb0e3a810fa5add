import Features
import Market
import Pipeline
import TestSupport
import Testing

@testable import Streams

struct StreamEventTests {
  private static let series = Series(.binance, .btcusdt)

  @Test func `a trade is written as the seed prints it`() throws {
    let trade = Trade(
      id: 26129, time: Timestamp(microseconds: 1_638_360_000_123_456), price: try #require(Decimal8("45230.50")),
      quantity: try #require(Decimal8("0.00100000")), isTakerBuyer: false)
    let event = StreamEvent.trade(
      TradeEvent(
        series: Self.series, trade: trade, ingestTime: Timestamp(milliseconds: 1_638_360_000_130), source: "sbe"))
    #expect(
      String(decoding: event.record.body, as: UTF8.self) == """
        {"message_type": "trade", "symbol": "BTCUSDT", "timestamp": 1638360000123456, "trade_id": 26129, \
        "price": 45230.5, "quantity": 0.001, "is_buyer_maker": true, "ingest_ts": 1638360000130, "source": "sbe", \
        "venue": "binance"}
        """)
    #expect(event.record.key == "BTCUSDT")
  }

  @Test func `the seed's own records are read`() throws {
    let trade = try StreamEvent(
      json: Array(
        """
        {"message_type":"trade","symbol":"BTCUSDT","timestamp":1638360000123456,"trade_id":1,"price":45230.50,
        "quantity":1e-05,"is_buyer_maker":false,"ingest_ts":1638360000130,"source":"sbe"}
        """.utf8))
    guard case .trade(let event) = trade else {
      Issue.record("\(trade)")
      return
    }
    #expect(event.series == Self.series)
    #expect(event.trade.isTakerBuyer)
    #expect(event.trade.quantity == Decimal8("0.00001"))
    let quote = try StreamEvent(
      json: Array(
        """
        {"message_type": "bestbidask", "symbol": "BTCUSDT", "timestamp": 1638360000123456, "bid_price": 1.5E+2,
        "bid_quantity": 2, "ask_price": 1.6, "ask_quantity": 3.25, "ingest_ts": 1638360000130, "source": "sbe"}
        """.utf8))
    guard case .quote(let best) = quote else {
      Issue.record("\(quote)")
      return
    }
    #expect(best.quote.askQuantity == Decimal8("3.25"))
    #expect(best.quote.bidPrice == Decimal8("150"))
  }

  @Test func `a candle is written whole`() throws {
    #expect(
      String(decoding: StreamEvent.candle(try Self.candle()).record.body, as: UTF8.self) == """
        {"message_type": "candle", "symbol": "BTCUSDT", "timestamp": 1638360000000000, "venue": "binance", \
        "interval": "1m", "open": "45230.50000000", "high": "99999999999.99999999", "low": "0.00000001", \
        "close": "45230.50000000", "volume": "1.00000000", "quote_volume": null, "taker_buy_base": "0.50000000", \
        "taker_buy_quote": null, "trades": 7, "available_at": 1638360060000001, "known_at": 1638360060000002, \
        "provenance": "patched", "availability_assumed": false, "ingest_ts": 1638360060001, "source": "rest"}
        """)
  }

  private static func candle() throws -> CandleEvent {
    let price = try #require(Decimal8("45230.5"))
    let candle = Candle(
      openTime: Timestamp(microseconds: 1_638_360_000_000_000), open: price,
      high: try #require(Decimal8("99999999999.99999999")), low: try #require(Decimal8("0.00000001")), close: price,
      volume: Decimal8("1"), trades: 7, takerBuyBase: Decimal8("0.5"))
    let record = CandleRecord(
      candle: candle, availableAt: Timestamp(microseconds: 1_638_360_060_000_001),
      knownAt: Timestamp(microseconds: 1_638_360_060_000_002), provenance: .patched, isAvailabilityAssumed: false)
    return CandleEvent(
      series: series, record: record, ingestTime: Timestamp(milliseconds: 1_638_360_060_001), source: "rest")
  }

  @Test(arguments: Soak.seeds(300)) func `any event is read as it was written`(seed: UInt64) throws {
    var draw = EventDraw(seed: seed)
    let event = draw.event()
    let record = event.record
    // What is not a number is written as null, and equals nothing.
    #expect(try StreamEvent(json: record.body).record == record, "seed \(seed)")
    #expect(try StreamEvent(json: record.body).record == record, "seed \(seed)")
    try record.validate()
  }

  @Test func `what happened between two moments is the seed's records in their order`() throws {
    let price = try #require(Decimal8("45230.5"))
    let time = Timestamp(microseconds: 1_638_360_001_500_250)
    let (trade, quote) = (
      Trade(id: 7, time: time, price: price, quantity: price, isTakerBuyer: true),
      Quote(time: time, bidPrice: price, bidQuantity: price, askPrice: price, askQuantity: price)
    )
    let at = Timestamp(milliseconds: time.milliseconds)
    let batch = TickBatch(
      series: Self.series, cadence: TickCadence(), run: time, number: 3,
      range: time..<time.adding(microseconds: 1_500_000), known: [],
      entries: [
        .tick(.trade(Self.series, trade), at: at), .tick(.quote(Self.series, quote), at: at),
        .tick(.interrupted(Self.series), at: at),
      ], source: "stream")
    let text = String(decoding: StreamEvent.ticks(batch).record.body, as: UTF8.self)
    for event: StreamEvent in [
      .trade(TradeEvent(series: Self.series, trade: trade, ingestTime: at, source: "stream")),
      .quote(QuoteEvent(series: Self.series, quote: quote, ingestTime: at, source: "stream")),
    ] { #expect(text.contains(String(decoding: event.record.body, as: UTF8.self))) }
    #expect(try StreamEvent(json: Array(text.utf8)) == .ticks(batch))
    #expect(batch.moment == Timestamp(milliseconds: 1_638_360_003_000))
  }

  @Test(arguments: Soak.seeds(20)) func `a damaged event is an event or an error`(seed: UInt64) {
    var (mutator, draw) = (Mutator(seed: seed), EventDraw(seed: seed))
    let corpus = (0..<20).map { _ in draw.event().record.body }
    for _ in 0..<200 {
      guard let event = try? StreamEvent(json: mutator.frame(of: corpus)) else { continue }
      #expect((try? StreamEvent(json: event.record.body))?.record == event.record, "seed \(seed)")
    }
  }

  @Test(arguments: [
    ("", "no JSON object"), ("[]", "no JSON object"), ("{}", "message_type is missing"),
    ("{\"message_type\": \"depth\"}", "message_type is \"depth\""),
    ("{\"message_type\": \"trade\"}", "symbol is missing"),
  ])
  func `an error says what is wrong`(text: String, reason: String) {
    do throws(StreamEventError) {
      _ = try StreamEvent(json: Array(text.utf8))
      Issue.record("it is taken")
    } catch {
      #expect(error.reason.contains(reason))
    }
  }

  @Test func `a candle that breaks a rule is refused`() throws {
    let body = String(decoding: StreamEvent.candle(try Self.candle()).record.body, as: UTF8.self)
    for (from, to) in [
      ("\"low\": \"0.00000001\"", "\"low\": \"50000\""), ("\"trades\": 7", "\"trades\": -7"),
      ("1638360000000000", "1638360000000001"), ("\"1m\"", "\"5m\""), ("patched", "guessed"),
      ("\"open\": \"45230.50000000\"", "\"open\": \"1e5\""), ("\"availability_assumed\": false, ", ""),
    ] {
      let parts = body.split(separator: from, omittingEmptySubsequences: false)
      #expect(parts.count == 2, "\(from)")
      #expect(throws: StreamEventError.self) { try StreamEvent(json: Array(parts.joined(separator: to).utf8)) }
    }
  }
}

/// Events of all kinds with unlikely values.
struct EventDraw {
  private var random: SplitMix64

  init(seed: UInt64) { random = SplitMix64(seed: seed) }

  mutating func event() -> StreamEvent {
    let series = Series(
      [.binance, .coinbase, .chainlink].randomElement(using: &random) ?? .binance,
      [.btcusdt, .bitcoinUSD].randomElement(using: &random) ?? .btcusdt)
    let ingest = Timestamp(milliseconds: .random(in: 0...4_000_000_000_000, using: &random))
    let source = ["sbe", "rest", "a \"b\" \\ é\n"].randomElement(using: &random) ?? ""
    switch Int.random(in: 0..<6, using: &random) {
    case 0: return .candle(CandleEvent(series: series, record: record(), ingestTime: ingest, source: source))
    case 1:
      return .trade(TradeEvent(series: series, trade: trade(at: time()), ingestTime: ingest, source: source))
    case 2:
      return .quote(QuoteEvent(series: series, quote: quote(), ingestTime: ingest, source: source))
    case 3: return .ticks(batch(series, ingest, source))
    case 4: return .point(pointEvent(ingest, source))
    default:
      let view = MarketView(price: Series(.chainlink, .bitcoinUSD), volume: Series(.binance, .btcusdt))
      return .features(
        FeatureEvent(
          view: view, featureSetHash: "abc", update: update(), knownAt: time(), cause: "candle/\(view.price)/1",
          causeOpenTime: time(), ordinal: .random(in: 0...9, using: &random), source: source))
    }
  }

  private mutating func batch(_ series: Series, _ ingest: Timestamp, _ source: String) -> TickBatch {
    let run = time()
    let from = run.adding(microseconds: .random(in: 0...1_000_000_000, using: &random))
    return TickBatch(
      series: series, cadence: TickCadence(intervalMilliseconds: .random(in: 1...10_000, using: &random)), run: run,
      number: .random(in: 0...1_000_000, using: &random), range: from..<from.adding(microseconds: 1_500_000),
      known: [.tick(.tradesBegin(series, at: time()), at: ingest)],
      entries: (0..<Int.random(in: 0...30, using: &random)).map { _ in entry(series, ingest) }, source: source)
  }

  private mutating func entry(_ series: Series, _ ingest: Timestamp) -> TickBatch.Entry {
    switch Int.random(in: 0..<7, using: &random) {
    case 0: return .candle(series, record())
    case 6: return .observed(observation(), at: ingest)
    case 1: return .tick(.quote(series, quote()), at: ingest)
    case 2: return .tick(.interrupted(series), at: ingest)
    case 3:
      var snapshot = MarketSnapshot()
      snapshot.candles = (0..<Int.random(in: 0...3, using: &random)).map { _ in record().candle }
      snapshot.trades = (0..<Int.random(in: 0...3, using: &random)).map { _ in trade(at: positiveTime()) }
      if Bool.random(using: &random) { snapshot.tradesFrom = positiveTime() }
      if Bool.random(using: &random) {
        snapshot.quote = quote()
        snapshot.quote?.time = Bool.random(using: &random) ? positiveTime() : nil
      }
      return .tick(.snapshot(series, snapshot), at: ingest)
    default: return .tick(.trade(series, trade(at: time())), at: ingest)
    }
  }

  private mutating func pointEvent(_ ingest: Timestamp, _ source: String) -> PointEvent {
    func number(_ random: inout SplitMix64) -> Double? {
      let value = Double(bitPattern: random.next())
      return value.isFinite && Bool.random(using: &random) ? value : nil
    }
    let values = TickInputs.names.map { _ in number(&random) }
    let point = TickPoint(
      inputs: TickInputs(time: time(), values: values, reference: number(&random)),
      ageMilliseconds: Bool.random(using: &random) ? Int64.random(in: 0...1_000_000, using: &random) : nil,
      source: PriceForecast.Source.allCases.randomElement(using: &random) ?? .direct)
    return PointEvent(
      view: MarketView(price: Series(.chainlink, .bitcoinUSD), volume: Series(.binance, .btcusdt)),
      cadence: TickCadence(), run: time(), point: point,
      windows: PredictionTarget.openWindows.map { fact(of: $0.horizonMinutes) }, source: source)
  }

  private mutating func fact(of length: Int) -> WindowFact {
    guard Bool.random(using: &random) else {
      return WindowFact(lengthMinutes: length, reading: .failure(WindowSilence(code: "stale", reason: "ä \"b\"\n")))
    }
    func price(_ random: inout SplitMix64) -> Double { .random(in: 0.000_001...1e9, using: &random) }
    return WindowFact(
      lengthMinutes: length,
      reading: .success(
        WindowReading(
          price: price(&random), ageMilliseconds: .random(in: 0...10_000, using: &random),
          source: PriceForecast.Source.allCases.randomElement(using: &random) ?? .direct, strike: price(&random),
          outlook: WindowOutlook(expected: price(&random), varianceMinutes: .random(in: 0...15, using: &random)))))
  }

  private mutating func observation() -> OracleTick {
    func price(_ random: inout SplitMix64) -> OraclePrice {
      OraclePrice(units: Int128(random.next()) * .random(in: -1_000_000...1_000_000, using: &random))
    }
    return OracleTick(
      feed: .bitcoinUSD, source: OracleSource.allCases.randomElement(using: &random) ?? .relay,
      quantity: Bool.random(using: &random) ? .price : .timeWeightedMean(seconds: .random(in: 1...60, using: &random)),
      time: time(), price: price(&random), bid: Bool.random(using: &random) ? price(&random) : nil,
      ask: Bool.random(using: &random) ? price(&random) : nil)
  }

  private mutating func trade(at time: Timestamp) -> Trade {
    Trade(
      id: .random(in: .min + 1 ... .max, using: &random), time: time, price: amount(least: 1), quantity: amount(),
      isTakerBuyer: .random(using: &random), count: .random(in: 1...3, using: &random))
  }

  private mutating func quote() -> Quote {
    Quote(
      updateId: Bool.random(using: &random) ? Int64.random(in: 0...Int64.max, using: &random) : nil,
      time: Bool.random(using: &random) ? time() : nil, bidPrice: amount(), bidQuantity: amount(),
      askPrice: amount(), askQuantity: amount())
  }

  private mutating func positiveTime() -> Timestamp {
    Timestamp(microseconds: .random(in: 0...4_000_000_000_000_000, using: &random))
  }

  private mutating func update() -> FeatureUpdate {
    switch Int.random(in: 0..<3, using: &random) {
    case 0:
      let width = Int.random(in: 1...40, using: &random)
      return .next(point(width: width), availableAt: time(), isWarm: .random(using: &random))
    case 1:
      let width = Int.random(in: 1...40, using: &random)
      let points = (0..<Int.random(in: 0...60, using: &random)).map { _ in point(width: width) }
      return .amended(points, candles: .random(in: 0...10_000, using: &random))
    default: return .needsRebuild(from: time())
    }
  }

  private mutating func point(width: Int) -> FeatureVector {
    func number(_ random: inout SplitMix64) -> Double { Double(bitPattern: random.next()) }
    let candle = FeatureInput(
      openTime: Timestamp(minute: .random(in: 0...60_000_000, using: &random)), open: number(&random),
      high: number(&random), low: -0.0, close: .infinity, volume: .nan, trades: number(&random))
    let vector = (0..<width).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
    return FeatureVector(candle: candle, vector: vector)
  }

  private mutating func time() -> Timestamp {
    Timestamp(microseconds: .random(in: -1_000_000_000_000...4_000_000_000_000_000, using: &random))
  }

  private mutating func amount(least: Int128 = 0, most: Int128 = 99_999_999_999_999_999_999) -> Decimal8 {
    let digits = Int.random(in: 0...20, using: &random)
    let bound = (0..<digits).reduce(Int128(1)) { product, _ in product * 10 }
    let value = Int128(UInt64.random(in: 0...UInt64.max, using: &random)) * 5 % bound
    return Decimal8(units: min(most, max(least, value))) ?? .zero
  }

  private mutating func record() -> CandleRecord {
    let prices = (0..<4).map { _ in amount(least: 1) }.sorted()
    var candle = Candle(
      openTime: Timestamp(minute: .random(in: 0...60_000_000, using: &random)), open: prices[1], high: prices[3],
      low: prices[0], close: prices[2])
    if Bool.random(using: &random) {
      candle.volume = amount()
      candle.takerBuyBase = amount(most: candle.volume?.units ?? 0)
    }
    if Bool.random(using: &random) { candle.quoteVolume = amount() }
    if Bool.random(using: &random) { candle.trades = .random(in: 0...Int64.max, using: &random) }
    return CandleRecord(
      candle: candle, availableAt: time(), knownAt: time(),
      provenance: Provenance.allCases.randomElement(using: &random) ?? .live,
      isAvailabilityAssumed: .random(using: &random))
  }
}
