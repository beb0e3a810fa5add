import Market

extension BinanceDialect {
  func binaryFrames(
    for event: Feed.Event, of feed: Feed, _ reader: inout MarketReader, at now: Timestamp
  ) -> [Frame] {
    []
  }
}
