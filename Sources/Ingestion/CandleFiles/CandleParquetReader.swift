import Market
import Storage

/// Candles of a Parquet file, with the same checks as those of a text.
final class CandleParquetReader {
  private(set) var sieve: CandleSieve
  private let rows: ParquetCandles
  private var row = 0

  init(_ path: String, sieve: CandleSieve) throws(ImportError) {
    self.sieve = sieve
    do { rows = try ParquetCandles(path: path) } catch { throw .storing(error) }
  }

  func next() throws(ImportError) -> [Candle]? {
    var candles: [Candle] = []
    while candles.isEmpty {
      guard let batch = try nextRows() else {
        guard sieve.rowsRead > 0 else { throw .empty(file: sieve.file) }
        return nil
      }
      for item in batch {
        row += 1
        switch item {
        case .candle(let candle): if try sieve.accepts(candle, line: row) { candles.append(candle) }
        case .missing(let field):
          try sieve.refuse(
            BadRow(file: sieve.file, line: row, field: field, value: "", rule: "the field is not empty"))
        }
      }
    }
    return candles
  }

  private func nextRows() throws(ImportError) -> [ParquetCandles.Row]? {
    do { return try rows.next() } catch { throw .storing(error) }
  }
}
