import Market

/// The host of whole past days and months as zips.
enum BinanceArchive {
  static func answer(_ path: String, _ reader: inout MarketReader, at now: Timestamp) -> SimulatedAnswer {
    SimulatedAnswer(status: 404, body: Array("<Error><Code>NoSuchKey</Code></Error>".utf8))
  }
}
