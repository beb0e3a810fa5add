import Market
import Venues

extension BinanceDialect {
  private static let shownDepth = 20

  /// One binary message for each thing that the stream says.
  func binaryFrames(
    for event: Feed.Event, of feed: Feed, _ reader: inout MarketReader, at now: Timestamp
  ) -> [Frame] {
    let symbol = reader.market.series[feed.series].symbol
    switch event {
    case .aggregate(let aggregate, let minute):
      if feed.name.hasSuffix("@trade") {
        let bytes = SBE.message(minute.trades(of: aggregate), of: symbol, sent: reader.stamp(now))
        return bytes.map { [Frame(binary: $0, .trade)] } ?? []
      }
      let quote = reader.book(feed.series, after: aggregate, depth: 1).quote
      return quote.flatMap { SBE.message($0, of: symbol) }.map { [Frame(binary: $0)] } ?? []
    case .changes(let update, _): return SBE.message(update, of: symbol).map { [Frame(binary: $0)] } ?? []
    case .book(let book):
      let top = BookUpdate(
        isSnapshot: true, firstId: book.updateId, lastId: book.updateId, time: book.time,
        bids: Array(book.bids.prefix(Self.shownDepth)), asks: Array(book.asks.prefix(Self.shownDepth)))
      return SBE.message(top, of: symbol).map { [Frame(binary: $0)] } ?? []
    case .bar, .tick, .pulse: return []
    }
  }
}
