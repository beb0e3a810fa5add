import FoundationEssentials
import Market
import TestSupport
import Testing
import Venues

@Suite struct SBETests: BinanceSuite {
  private let binance = BinanceSBEProtocol(apiKey: "key")
  private let sent = Timestamp(microseconds: 1_767_225_600_123_456)

  private func sample(_ name: String) throws -> [UInt8] { try BinanceSamples.hex("binance.sbe_\(name).json") }

  private func decode(_ frame: [UInt8]) throws -> [VenueMessage] { try binance.messages(frame, isBinary: true) }

  private var trades: [Trade] {
    let time = Timestamp(microseconds: 1_767_225_600_123_000)
    return [
      Trade(id: 5_551_234_567, time: time, price: dec("90123.45"), quantity: dec("0.0015"), isTakerBuyer: false),
      Trade(id: 5_551_234_568, time: time, price: dec("90123.46"), quantity: dec("0.025"), isTakerBuyer: true),
    ]
  }

  private var quote: Quote {
    Quote(
      updateId: 88001, time: sent, bidPrice: dec("90123.45"), bidQuantity: dec("3.5"), askPrice: dec("90123.46"),
      askQuantity: dec("1.2"))
  }

  private var top: BookUpdate {
    BookUpdate(
      isSnapshot: true, firstId: 88002, lastId: 88002, time: sent,
      bids: [level("90123.45", "3.5"), level("90123.44", "0.00001")], asks: [level("90123.46", "1.2")])
  }

  private var change: BookUpdate {
    BookUpdate(
      isSnapshot: false, firstId: 88003, lastId: 88007, time: sent, bids: [level("90123.45", "0")],
      asks: [level("90123.46", "0.00000005"), level("90124", "0.00000007")])
  }

  // MARK: Messages

  @Test func `each template is read and written as in the schema`() throws {
    #expect(try decode(try sample("trades")) == trades.map { .trade(.btcusdt, $0) })
    #expect(SBE.message(trades, of: .btcusdt, sent: sent) == (try sample("trades")))
    #expect(try decode(try sample("best_bid_ask")) == [.quote(.btcusdt, quote)])
    #expect(SBE.message(quote, of: .btcusdt) == (try sample("best_bid_ask")))
    #expect(try decode(try sample("depth_snapshot")) == [.book(.btcusdt, top)])
    #expect(SBE.message(top, of: .btcusdt, .init(price: -2, quantity: -5)) == (try sample("depth_snapshot")))
    #expect(try decode(try sample("depth_diff")) == [.book(.btcusdt, change)])
    #expect(SBE.message(change, of: .btcusdt) == (try sample("depth_diff")))
  }

  @Test func `fields that a newer version appends are passed over`() throws {
    guard case .quote(.btcusdt, let quote) = try decode(try sample("best_bid_ask_extended")).first else {
      Issue.record("no quote")
      return
    }
    #expect(quote.updateId == 88004)
    #expect(quote.bidQuantity == dec("0.00000001"))
    #expect(quote.askQuantity == dec("0.00000002"))
  }

  @Test func `longer elements of a newer version are passed over`() throws {
    let frame = try sample("depth_diff")
    // One bid and two asks of 16 bytes, 34 bytes into the message.
    var longer = Array(frame[..<34])
    longer[6] = 1
    var rest = frame[34...]
    for count in [1, 2] {
      longer += [18, 0, UInt8(count), 0]
      rest = rest.dropFirst(4)
      for _ in 0..<count {
        longer += rest.prefix(16) + [0xAA, 0xBB]
        rest = rest.dropFirst(16)
      }
    }
    #expect(try decode(longer + rest) == [.book(.btcusdt, change)])
  }

  @Test func `truncated and malformed samples are refused`() throws {
    struct Sample: Decodable { var frames: [String] }
    let sample = try JSONDecoder().decode(Sample.self, from: BinanceSamples.data("binance.sbe_truncated.json"))
    #expect(sample.frames.count == 6)
    for frame in sample.frames { #expect(throws: VenueError.self) { try decode(BinanceSamples.unhex(frame)) } }
  }

  @Test(arguments: ["trades", "best_bid_ask", "depth_snapshot", "depth_diff"])
  func `no shorter or longer message is read`(name: String) throws {
    let frame = try sample(name)
    for count in 0..<frame.count { #expect(throws: VenueError.self) { try decode(Array(frame[..<count])) } }
    #expect(throws: VenueError.self) { try decode(frame + [0]) }
  }

  @Test func `another schema or template is unknown`() throws {
    var frame = try sample("trades")
    frame[4] = 2
    #expect(throws: VenueError.unknown(kind: "SBE schema 2")) { try decode(frame) }
    frame = try sample("trades")
    (frame[2], frame[3]) = (0x0F, 0x27)
    #expect(throws: VenueError.unknown(kind: "SBE template 9999")) { try decode(frame) }
    frame = try sample("trades") + [1, 2, 3]
    frame[6] = 3
    #expect(throws: VenueError.unknown(kind: "SBE template 10000 version 3")) { try decode(frame) }
  }

  // MARK: Values

  /// A quote's message with other exponents and another bid.
  private func quote(price: Int8 = -8, quantity: Int8 = -8, bid: Int64 = 9_012_345_000_000) throws -> [UInt8] {
    var frame = try sample("best_bid_ask")
    frame[24] = UInt8(bitPattern: price)
    frame[25] = UInt8(bitPattern: quantity)
    withUnsafeBytes(of: bid.littleEndian) { frame.replaceSubrange(26..<34, with: $0) }
    return frame
  }

  @Test(arguments: [
    (Int64(15), Int8(-1), "1.5"), (15, 0, "15"), (15, 3, "15000"), (1500, -10, "0.00000015"), (1, 11, "100000000000"),
    (9_223_372_036_854_775_807, -8, "92233720368.54775807"),
  ])
  func `exponents are applied exactly`(mantissa: Int64, exponent: Int8, price: String) throws {
    var frame = try quote(price: exponent, bid: mantissa)
    withUnsafeBytes(of: mantissa.littleEndian) { frame.replaceSubrange(42..<50, with: $0) }
    guard case .quote(_, let quote) = try decode(frame).first else {
      Issue.record("no quote")
      return
    }
    #expect(quote.bidPrice == dec(price))
  }

  @Test(arguments: [
    (Int64(15), Int8(-9)), (1, 12), (1, 127), (1, -127), (1, -128), (.min, -8), (.min, 0), (.max, 11), (.max, 12),
    (-.max, 12), (0, -8),
    (-1, -8),
  ])
  func `what is no price is refused, however large`(mantissa: Int64, exponent: Int8) throws {
    #expect(throws: VenueError.self) { try decode(try quote(price: exponent, bid: mantissa)) }
  }

  @Test func `a null time or id is not known`() throws {
    var frame = try sample("best_bid_ask")
    let null = withUnsafeBytes(of: Int64.min.littleEndian) { Array($0) }
    frame.replaceSubrange(8..<24, with: null + null)
    var expected = quote
    (expected.time, expected.updateId) = (nil, nil)
    #expect(try decode(frame) == [.quote(.btcusdt, expected)])
    #expect(SBE.message(expected, of: .btcusdt) == frame)
  }

  @Test func `what an exponent cannot say is not written`() {
    #expect(SBE.message(quote, of: .btcusdt, .init(price: -1, quantity: -8)) == nil)
    #expect(SBE.message([], of: .btcusdt, sent: sent) == nil)
    let many = [Trade](repeating: trades[0], count: 10_001)
    #expect(SBE.message(many, of: .btcusdt, sent: sent) == nil)
  }

  @Test(arguments: Soak.seeds(20))
  func `what is written is read back`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    func amount() -> Decimal8 { Decimal8(units: Int128(Int64.random(in: 1...1 << 60, using: &random)))! }
    let symbol = sym(["BTCUSDT", "1000SATSUSDT", "A"].randomElement(using: &random)!)
    let trades = (0..<Int.random(in: 1...50, using: &random)).map {
      Trade(
        id: Int64($0), time: sent, price: amount(), quantity: amount(), isTakerBuyer: .random(using: &random))
    }
    #expect(try decode(try #require(SBE.message(trades, of: symbol, sent: sent))) == trades.map { .trade(symbol, $0) })
    func levels() -> [BookUpdate.Level] {
      (0..<Int.random(in: 0...50, using: &random)).map { _ in .init(price: amount(), quantity: amount()) }
    }
    let update = BookUpdate(
      isSnapshot: .random(using: &random), firstId: 9, lastId: 9, time: sent, bids: levels(), asks: levels())
    #expect(try decode(try #require(SBE.message(update, of: symbol))) == [.book(symbol, update)])
  }

  // MARK: Sockets

  @Test func `sockets carry the key and no stream of minutes`() {
    let plans = binance.sockets(for: [.btcusdt], Set(Channel.allCases), now: sent)
    #expect(plans.map(\.path) == ["/stream?streams=btcusdt@trade/btcusdt@bestBidAsk/btcusdt@depth"])
    #expect(plans.map(\.headers) == [[VenueHeader("X-MBX-APIKEY", "key")]])
    #expect(binance.candleSource == .trades)
  }

  @Test func `text on a binary socket is control`() throws {
    #expect(try binance.messages(#"{"result":null,"id":1}"#) == [.control(.accepted)])
    #expect(try binance.messages(#"{"e":"serverShutdown","E":1770123456789}"#) == [.shutdown])
  }
}
