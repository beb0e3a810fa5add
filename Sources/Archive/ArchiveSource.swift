package import Market
package import Storage

/// What a store gives of one dataset, a day at a time.
package protocol ArchiveSource {
  var dataset: ArchiveDataset { get }

  func write(_ series: Series, in day: Range<Timestamp>, to writer: AvroWriter) throws
}

/// Of each minute the newest version.
package struct CandleSource: ArchiveSource {
  private let store: any CandleStore

  package init(_ store: any CandleStore) { self.store = store }

  package var dataset: ArchiveDataset { .candles }

  package func write(_ series: Series, in day: Range<Timestamp>, to writer: AvroWriter) throws {
    try store.readCandles(series, in: day, asOf: .distantFuture) { batch in
      for record in batch { try writer.append(CandleArchive.value(record.candle, series)) }
    }
  }
}

package struct MarketDataSource: ArchiveSource {
  private static let hours = 24

  private let log: any MarketDataLog

  package init(_ log: any MarketDataLog) { self.log = log }

  package var dataset: ArchiveDataset { .trades }

  /// Hour by hour, because a database sorts all that is asked for at once.
  package func write(_ series: Series, in day: Range<Timestamp>, to writer: AvroWriter) throws {
    let hour = Timestamp.microsecondsPerDay / Int64(Self.hours)
    for number in 0..<Self.hours {
      let start = day.lowerBound.adding(microseconds: Int64(number) * hour)
      try log.readMarketData(series, in: start..<start.adding(microseconds: hour)) { batch in
        for record in batch { try writer.append(MarketDataArchive.value(record)) }
      }
    }
  }
}

/// Those whose prices are the series', whatever their other inputs are.
package struct PredictionSource: ArchiveSource {
  private let log: any PredictionLog

  package init(_ log: any PredictionLog) { self.log = log }

  package var dataset: ArchiveDataset { .predictions }

  package func write(_ series: Series, in day: Range<Timestamp>, to writer: AvroWriter) throws {
    try log.readPredictions(PredictionFilter(range: day)) { batch in
      for prediction in batch where prediction.view.price == series {
        try writer.append(PredictionArchive.value(prediction))
      }
    }
  }
}
