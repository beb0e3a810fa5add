import Market
import TestSupport
import Testing
import Venues

/// Damaged frames end in a value that keeps its rules or in a `VenueError`. Inputs a kind of decoder: 60,000 frames,
/// 60,000 answers, 60,000 binary messages and 20,000 fixed records; fifty times as many in a soak.
@Suite struct BinanceFuzzTests: BinanceSuite {
  private static let parts: UInt64 = 10
  private let binance = BinanceProtocol()

  private func frames() throws -> [[UInt8]] {
    let names = [
      "agg_trade", "book_ticker", "combined", "depth_diff", "depth_partial", "error", "kline_closed", "kline_open",
      "list_subscriptions_ok", "server_shutdown", "server_shutdown_combined", "subscribe_ok", "trade",
    ]
    let recorded = try BinanceSamples.recording("cryptofeed.txt.zst").prefix(60)
    return try names.map { try BinanceSamples.bytes("binance.ws_\($0).json") } + recorded
  }

  private func binaryFrames() throws -> [[UInt8]] {
    try ["trades", "best_bid_ask", "best_bid_ask_extended", "depth_snapshot", "depth_diff"].map {
      try BinanceSamples.hex("binance.sbe_\($0).json")
    }
  }

  @Test(arguments: 0..<parts)
  func `damaged frames`(seed: UInt64) throws {
    var mutator = Mutator(seed: seed)
    let corpus = try frames()
    for _ in 0..<Soak.count(60_000) / Int(Self.parts) {
      guard let messages = try? binance.messages(mutator.frame(of: corpus)) else { continue }
      expectSane(messages)
    }
  }

  @Test(arguments: 0..<parts)
  func `damaged binary messages`(seed: UInt64) throws {
    var mutator = Mutator(seed: seed)
    let corpus = try binaryFrames()
    let binance = BinanceSBEProtocol(apiKey: "")
    for _ in 0..<Soak.count(60_000) / Int(Self.parts) {
      guard let messages = try? binance.messages(mutator.frame(of: corpus), isBinary: true) else { continue }
      expectSane(messages)
    }
  }

  @Test(arguments: 0..<parts)
  func `damaged answers`(seed: UInt64) throws {
    var mutator = Mutator(seed: seed)
    let names = [
      "agg_trades", "depth", "error", "error_451", "error_rate", "exchange_info_rate_limits", "ping", "ticker_24hr",
      "ticker_book", "ticker_price", "time", "time_micros",
    ]
    let row = #"[[1704067200000,"2.5","2.8","2.1","2.2","3.5",1704067259999,"15.4",13,"2.3","9.4","0"]]"#
    let corpus = try names.map { try BinanceSamples.bytes("binance.rest_\($0).json") } + [Array(row.utf8)]
    for index in 0..<Soak.count(60_000) / Int(Self.parts) {
      let body = mutator.frame(of: corpus)
      let status = index % 8 == 0 ? [400, 403, 418, 429, 451, 500, 503][index / 8 % 7] : 200
      let header = VenueHeader("Retry-After", String(decoding: body.prefix(20), as: UTF8.self))
      decode(VenueAnswer(status: status, headers: [header], body: body))
    }
  }

  @Test(arguments: 0..<parts)
  func `damaged records`(seed: UInt64) throws {
    var mutator = Mutator(seed: seed)
    let corpus = String(decoding: try BinanceSamples.bytes("seed_records.txt"), as: UTF8.self)
      .split(separator: "\n").map { BinanceSamples.unhex(String($0)) }
    for _ in 0..<Soak.count(20_000) / Int(Self.parts) {
      let bytes = mutator.frame(of: corpus)
      for kind in SeedRecord.Kind.allCases {
        let record = bytes.withUnsafeBufferPointer { try? SeedRecord(kind, $0, symbols: [1: .btcusdt]) }
        switch record {
        case .trade(let symbol, let trade): expectSane([.trade(symbol, trade)])
        case .quote(let symbol, let quote): expectSane([.quote(symbol, quote)])
        case .level(let symbol, let update): expectSane([.book(symbol, update)])
        case nil: break
        }
      }
    }
  }

  /// Any answer is given to every decoder: a venue may answer anything to anything.
  private func decode(_ answer: VenueAnswer) {
    _ = binance.usage(in: answer)
    try? binance.ping(in: answer)
    if let time = try? binance.time(in: answer) { #expect(isSane(time)) }
    if let limit = try? binance.limits(in: answer) { #expect(limit > 0) }
    _ = try? binance.exchangeInfo(in: answer)
    if let candles = try? binance.candles(.btcusdt, in: answer) {
      #expect(candles.allSatisfy { $0.violation == nil })
      #expect(zip(candles, candles.dropFirst()).allSatisfy { $0.openTime < $1.openTime })
    }
    if let trades = try? binance.trades(.btcusdt, in: answer) {
      expectSane(trades.map { .trade(.btcusdt, $0) })
      #expect(zip(trades, trades.dropFirst()).allSatisfy { $0.id < $1.id })
    }
    if let book = try? binance.book(in: answer) { expectSane([.book(.btcusdt, book)]) }
    if let prices = try? binance.prices(in: answer) { #expect(prices.values.allSatisfy { $0 > .zero }) }
    if let quotes = try? binance.quotes(in: answer) { expectSane(quotes.map { .quote($0, $1) }) }
    if let days = try? binance.days(in: answer) { #expect(days.values.allSatisfy { $0.trades >= 0 }) }
  }

  // MARK: Rules

  private func expectSane(_ messages: [VenueMessage]) {
    for message in messages where !isSane(message) { Issue.record("\(message)") }
  }

  private func isSane(_ message: VenueMessage) -> Bool {
    switch message {
    case .kline(_, let kline): kline.candle.violation == nil && isSane(kline.time)
    case .trade(_, let trade):
      trade.id >= 0 && trade.price > .zero && trade.quantity > .zero && trade.count > 0 && isSane(trade.time)
    case .quote(_, let quote):
      quote.bidPrice > .zero && quote.askPrice > .zero && quote.bidQuantity >= .zero && quote.askQuantity >= .zero
        && quote.updateId ?? 0 >= 0 && quote.time.map(isSane) ?? true
    case .book(_, let book):
      (book.firstId ?? 0) >= 0 && (book.firstId ?? 0) <= (book.lastId ?? .max) && book.time.map(isSane) ?? true
        && (book.bids + book.asks).allSatisfy { $0.price > .zero && $0.quantity >= .zero }
    case .shutdown, .control: true
    case .oracle, .heartbeat, .dropped: false
    }
  }

  private func isSane(_ time: Timestamp) -> Bool { (1..<10_000_000_000_000_000).contains(time.microseconds) }
}
