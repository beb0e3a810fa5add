import FoundationEssentials
import Market
import Testing
import Venues

/// Real messages of the last minutes of 2024-08-08.
@Suite struct BinanceRecordingTests: BinanceSuite {
  private let binance = BinanceProtocol()

  /// What the venue said, in order; the bare answer to a request for the book among it.
  private func messages() throws -> [VenueMessage] {
    try BinanceSamples.recording("btcusdt_20240808.txt.zst").flatMap { frame -> [VenueMessage] in
      guard !frame.starts(with: Array(#"{"lastUpdateId""#.utf8)) else {
        return [.book(.btcusdt, try binance.book(in: VenueAnswer(status: 200, body: frame)))]
      }
      return try binance.messages(frame)
    }
  }

  @Test func `the book is whole from its snapshot on, never crossed, and its top is the venue's own`() throws {
    var book = OrderBook(.ranges)
    var applied = 0
    var tops: [Int64: [BookUpdate.Level]] = [:]
    var quotes: [Quote] = []
    for message in try messages() {
      switch message {
      case .book(_, let update):
        let outcome = book.apply(update)
        if case .needsSnapshot(let reason) = outcome { Issue.record("\(reason)") }
        guard outcome == .applied else { continue }
        applied += 1
        let bid = try #require(book.bestBid)
        let ask = try #require(book.bestAsk)
        #expect(bid.price < ask.price)
        tops[try #require(book.lastId)] = [bid, ask]
      case .quote(_, let quote): quotes.append(quote)
      default: break
      }
    }
    #expect(!book.needsSnapshot)
    #expect(applied > 3400)
    var compared = 0
    for quote in quotes {
      guard let id = quote.updateId, let top = tops[id] else { continue }
      #expect(
        top == [
          .init(price: quote.bidPrice, quantity: quote.bidQuantity),
          .init(price: quote.askPrice, quantity: quote.askQuantity),
        ])
      compared += 1
    }
    #expect(compared > 500)
  }

  @Test func `minutes made of its trades are those of the candle file`() throws {
    var minutes: [Int64: [Trade]] = [:]
    var last: Int64?
    for case .trade(_, let trade) in try messages() {
      if let last { #expect(trade.id == last + 1) }
      last = trade.id
      minutes[trade.time.minute, default: []].append(trade)
    }
    let text = String(decoding: try BinanceSamples.bytes("btcusdt_20240808.csv"), as: UTF8.self)
    let rows = text.split(separator: "\n").dropFirst().map { $0.split(separator: ",").map(String.init) }
    #expect(rows.count == 5)
    for row in rows {
      let trades = try #require(minutes[Int64(row[0])! / 60_000])
      let prices = trades.map(\.price)
      #expect(prices.first == dec(row[1]))
      #expect(prices.max() == dec(row[2]))
      #expect(prices.min() == dec(row[3]))
      #expect(prices.last == dec(row[4]))
      #expect(trades.reduce(0) { $0 + $1.quantity.units } == dec(row[5]).units)
    }
  }
}
