/// What an archive holds; its name is the first part of every key.
package enum ArchiveDataset: String, Sendable, CaseIterable {
  case candles
  /// Trades and quotes.
  case trades
  case predictions

  package var schema: AvroSchema {
    switch self {
    case .candles: CandleArchive.schema
    case .trades: MarketDataArchive.schema
    case .predictions: PredictionArchive.schema
    }
  }

  /// By what the header says, else by the fields.
  init?(_ reader: AvroReader) {
    if let name = reader.text(ArchiveHeader.dataset) {
      self.init(rawValue: name)
      return
    }
    let fields = Set(reader.schema.fieldNames)
    if fields.isSuperset(of: ["open_time", "open", "high", "low", "close"]) {
      self = .candles
    } else if fields.isSuperset(of: ["timestamp", "price", "source", "data_type"]) {
      self = .trades
    } else if fields.isSuperset(of: ["time", "target", "model", "probability_up"]) {
      self = .predictions
    } else {
      return nil
    }
  }
}

/// Entries of the header of our files.
enum ArchiveHeader {
  static let dataset = "candlecast.dataset"
  static let series = "candlecast.series"
  static let date = "candlecast.date"
}
