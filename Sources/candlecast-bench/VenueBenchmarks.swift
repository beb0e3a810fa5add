import Market
import Venues

/// From the bytes of a frame to the value in it, on one core.
enum VenueBenchmarks {
  static let all = [
    Benchmark("decode_book_ticker_json") { name, _ in
      let venue = BinanceProtocol()
      return try rate(name, of: quotes.map(bookTicker), isBinary: false, venue)
    },
    Benchmark("decode_best_bid_ask_sbe") { name, _ in
      let venue = BinanceSBEProtocol(apiKey: "")
      return try rate(name, of: quotes.compactMap { SBE.message($0, of: .btcusdt) }, isBinary: true, venue)
    },
  ]

  /// A thousand best bids and asks as a liquid market has them.
  private static var quotes: [Quote] {
    var random = SplitMix64(seed: 1)
    return (Int64(0)..<1000).map { index in
      let bid = Int128.random(in: 6_000_000...6_200_000, using: &random) * 1_000_000
      func amount() -> Decimal8 { Decimal8(units: .random(in: 1...2_000_000, using: &random) * 1000) ?? .zero }
      return Quote(
        updateId: 50_093_239_212 + index, bidPrice: Decimal8(units: bid) ?? .zero, bidQuantity: amount(),
        askPrice: Decimal8(units: bid + 1_000_000) ?? .zero, askQuantity: amount())
    }
  }

  private static func bookTicker(_ quote: Quote) -> [UInt8] {
    let text = """
      {"stream":"btcusdt@bookTicker","data":{"u":\(quote.updateId ?? 0),"s":"BTCUSDT",\
      "b":"\(quote.bidPrice)","B":"\(quote.bidQuantity)","a":"\(quote.askPrice)","A":"\(quote.askQuantity)"}}
      """
    return Array(text.utf8)
  }

  private static func rate(
    _ name: String, of frames: [[UInt8]], isBinary: Bool, _ venue: some VenueProtocol
  ) throws -> Measurement {
    let rounds = 2000
    var sum: Int128 = 0
    let result = try Measurement.perSecond(name, unit: "messages/s", n: rounds * frames.count) {
      for _ in 0..<rounds {
        for frame in frames {
          try frame.withUnsafeBufferPointer { bytes in
            try venue.decode(bytes, isBinary: isBinary) { message in
              if case .quote(_, let quote) = message { sum += quote.bidPrice.units }
            }
          }
        }
      }
    }
    precondition(sum != 0, "the work must not be optimised away")
    return result
  }
}
