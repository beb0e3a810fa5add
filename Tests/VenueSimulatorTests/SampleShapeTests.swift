import FoundationEssentials
import Market
import TestSupport
import Testing
import Venues

import class Foundation.Bundle

@testable import VenueSimulator

/// Answers and messages have the members and the kinds of values of the venues' documented samples.
struct SampleShapeTests {
  /// Members by name, arrays by their first element; notes in the samples are left out.
  private static func shape(_ bytes: [UInt8]) throws -> String {
    try bytes.withUnsafeBufferPointer { bytes in
      var scanner = JSONScanner(bytes)
      let shape = try shape(&scanner)
      try scanner.end()
      return shape
    }
  }

  private static func shape(_ scanner: inout JSONScanner) throws(VenueError) -> String {
    switch scanner.peek() {
    case .object:
      var members: [String] = []
      try scanner.object { scanner, key throws(VenueError) in
        let name = key.text
        let value = try shape(&scanner)
        if !name.hasPrefix("_") { members.append(name + ":" + value) }
      }
      return "{" + members.sorted().joined(separator: ",") + "}"
    case .array:
      var items: [String] = []
      try scanner.array { scanner, _ throws(VenueError) in items.append(try shape(&scanner)) }
      // Rows of a table are of one shape; a row's columns are of several.
      return Set(items).count == 1 ? "[\(items[0])]" : "[" + items.joined(separator: ",") + "]"
    case .string:
      _ = try scanner.string()
      return "s"
    case .number:
      _ = try scanner.numberText()
      return "n"
    case .boolean:
      _ = try scanner.boolean()
      return "b"
    case .null:
      _ = scanner.takeNull()
      return "null"
    }
  }

  private static func sample(_ name: String) throws -> String {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    return try shape(Array(try Data(contentsOf: folder.appending(path: "Fixtures/\(name).json"))))
  }

  @Test(arguments: [
    ("binance", "/api/v3/klines?symbol=BTCUSDT&interval=1m", "binance.rest_klines"),
    ("binance", "/api/v3/aggTrades?symbol=BTCUSDT", "binance.rest_agg_trades"),
    ("binance", "/api/v3/depth?symbol=BTCUSDT", "binance.rest_depth"),
    ("binance", "/api/v3/ticker/24hr?symbol=BTCUSDT", "binance.rest_ticker_24hr"),
    ("binance", "/api/v3/ticker/bookTicker?symbol=BTCUSDT", "binance.rest_ticker_book"),
    ("binance", "/api/v3/ticker/price?symbol=BTCUSDT", "binance.rest_ticker_price"),
    ("binance", "/api/v3/avgPrice?symbol=BTCUSDT", "binance.rest_avg_price"),
    ("binance", "/api/v3/time", "binance.rest_time"),
    ("binance", "/api/v3/klines?symbol=NONE&interval=1m", "binance.rest_error"),
    ("coinbase", "/api/v3/brokerage/time", "coinbase.rest_time"),
    ("coinbase", "/api/v3/brokerage/market/products/BTC-USD/ticker?limit=3", "coinbase.rest_ticker"),
    ("coinbase", "/api/v3/brokerage/market/product_book?product_id=BTC-USD", "coinbase.rest_product_book"),
    ("coinbase-exchange", "/products/BTC-USD/candles?granularity=60", "coinbase.exchange_candles"),
    ("bybit", "/v5/market/time", "bybit.rest_time"),
    ("bybit", "/v5/market/kline?category=spot&symbol=BTCUSDT&interval=1", "bybit.rest_kline"),
    ("bybit", "/v5/market/recent-trade?category=spot&symbol=BTCUSDT", "bybit.rest_recent_trade"),
  ])
  func `answers look like the samples`(venue: String, path: String, sample: String) throws {
    var stage = try Stage(minutes: 100, streamed: 10)
    let answer = stage.get(venue, path, at: stage.market.split.adding(minutes: 2))
    #expect(try Self.shape(answer.body) == (try Self.sample(sample)))
  }

  @Test(arguments: [
    ("binance", "/ws/btcusdt@kline_1m", "", "binance.ws_kline_closed"),
    ("binance", "/ws/btcusdt@aggTrade", "", "binance.ws_agg_trade"),
    ("binance", "/ws/btcusdt@trade", "", "binance.ws_trade"),
    ("binance", "/ws/btcusdt@bookTicker", "", "binance.ws_book_ticker"),
    ("binance", "/ws/btcusdt@depth@100ms", "", "binance.ws_depth_diff"),
    ("binance", "/ws/btcusdt@depth5", "", "binance.ws_depth_partial"),
    ("binance", "/ws/btcusdt@miniTicker", "", "binance.ws_mini_ticker"),
    ("binance", "/ws/btcusdt@avgPrice", "", "binance.ws_avg_price"),
    ("binance", "/stream?streams=btcusdt@bookTicker", "", "binance.ws_combined"),
    (
      "coinbase-exchange", "/", #"{"type":"subscribe","product_ids":["BTC-USD"],"channels":["matches"]}"#,
      "coinbase.exchange_match"
    ),
    (
      "coinbase-exchange", "/", #"{"type":"subscribe","product_ids":["BTC-USD"],"channels":["heartbeat"]}"#,
      "coinbase.exchange_heartbeat"
    ),
    (
      "coinbase", "/", #"{"type":"subscribe","product_ids":["BTC-USD"],"channel":"market_trades"}"#,
      "coinbase.ws_market_trades"
    ),
    ("coinbase", "/", #"{"type":"subscribe","product_ids":["BTC-USD"],"channel":"level2"}"#, "coinbase.ws_l2_snapshot"),
    ("coinbase", "/", #"{"type":"subscribe","product_ids":["BTC-USD"],"channel":"level2"}"#, "coinbase.ws_l2_update"),
    ("coinbase", "/", #"{"type":"subscribe","product_ids":["BTC-USD"],"channel":"ticker"}"#, "coinbase.ws_ticker"),
    ("coinbase", "/", #"{"type":"subscribe","product_ids":["BTC-USD"],"channel":"candles"}"#, "coinbase.ws_candles"),
    ("coinbase", "/", #"{"type":"subscribe","channel":"heartbeats"}"#, "coinbase.ws_heartbeats"),
    ("bybit", "/v5/public/spot", #"{"op":"subscribe","args":["kline.1.BTCUSDT"]}"#, "bybit.ws_kline_confirmed"),
    (
      "bybit", "/v5/public/spot", #"{"op":"subscribe","args":["orderbook.1.BTCUSDT"]}"#, "bybit.ws_orderbook_1_snapshot"
    ),
    ("bybit", "/v5/public/spot", #"{"op":"subscribe","args":["orderbook.50.BTCUSDT"]}"#, "bybit.ws_orderbook_50_delta"),
    ("bybit", "/v5/public/spot", #"{"op":"subscribe","args":["tickers.BTCUSDT"]}"#, "bybit.ws_ticker_spot"),
    (
      "bybit", "/v5/public/spot", #"{"req_id":"1","op":"subscribe","args":["kline.1.BTCUSDT"]}"#,
      "bybit.ws_subscribe_ack_spot"
    ),
    ("bybit", "/v5/public/spot", #"{"op":"ping"}"#, "bybit.ws_pong_spot"),
    (
      "rtds", "/",
      #"{"action":"subscribe","subscriptions":[{"topic":"crypto_prices_twap_sixty","type":"*","filters":"{\"symbol\":\"btc/usd\"}"}]}"#,
      "polymarket.rtds_twap_sixty_update"
    ),
    (
      "rtds", "/",
      #"{"action":"subscribe","subscriptions":[{"topic":"crypto_prices_chainlink","type":"*","filters":"{\"symbol\":\"btc/usd\"}"}]}"#,
      "polymarket.rtds_crypto_prices_snapshot"
    ),
    (
      "polybolt", "/ws", #"{"op":"auth","rid":"a1","auth":{"apiKey":"a","secret":"b","passphrase":"c"}}"#,
      "polymarket.polybolt_authed"
    ),
    (
      "polybolt", "/ws",
      #"{"op":"auth","auth":{"apiKey":"a","secret":"b","passphrase":"c"}} {"op":"subscribe","subscriptions":[{"channel":"price.crypto.twap","filter":{"symbol":"btcusd","window_seconds":60}}]}"#,
      "polymarket.polybolt_twap_update"
    ),
    (
      "polybolt", "/ws",
      #"{"op":"auth","auth":{"apiKey":"a","secret":"b","passphrase":"c"}} {"op":"subscribe","subscriptions":[{"channel":"price.crypto","filter":{"symbol":"btcusd"}}]}"#,
      "polymarket.polybolt_snapshot"
    ),
  ])
  func `messages look like the samples`(venue: String, path: String, greeting: String, sample: String) throws {
    var stage = try Stage(minutes: 100, streamed: 10)
    let greetings =
      greeting.isEmpty ? [] : greeting.replacing("} {", with: "}\n{").split(separator: "\n").map(String.init)
    let plan = SocketPlan(path: path, greetings: greetings)
    let outputs = try stage.play(venue, [plan], to: stage.market.split.adding(microseconds: 75_000_000))
    var shapes: Set<String> = []
    for case .frame(_, _, let bytes, _) in outputs { shapes.insert(try Self.shape(bytes)) }
    let expected = try Self.sample(sample)
    #expect(shapes.contains(expected), "\(expected) is none of \(shapes)")
  }

  @Test func `a report looks like the sample`() throws {
    var stage = try Stage(minutes: 100, streamed: 10)
    let credentials = DataStreamsCredentials(
      apiKey: VenueSet.Credentials.apiKey, secret: Secret(VenueSet.Credentials.secret))
    let streams = DataStreamsProtocol(streams: [], credentials: credentials)
    let now = stage.market.split.adding(minutes: 1)
    let answer = stage.answer("chainlink", streams.latestRequest(.bitcoin, now: now), at: now)
    #expect(try Self.shape(answer.body) == (try Self.sample("chainlink.rest_latest")))
    #expect(try Self.shape(answer.body) == (try Self.sample("chainlink.ws_report")))
  }
}
