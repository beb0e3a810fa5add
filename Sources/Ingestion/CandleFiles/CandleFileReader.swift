import Compression
package import Market
import Storage

/// Candles of one file in order, whatever its format: CSV (plain, gzip, zip, zstd) or Parquet.
package final class CandleFileReader {
  private enum Content {
    case text(CandleTextReader)
    case parquet(CandleParquetReader)
  }

  private let content: Content
  private let file: any PackedInput

  package init(path: String, policy: BadRowPolicy = .reject) throws(ImportError) {
    let sieve = CandleSieve(file: path, policy: policy)
    let source: (any ByteSource)?
    do throws(CompressionError) {
      let file = try InputFile(path: path)
      self.file = file
      let isParquet = try file.bytes(at: 0, count: min(4, file.size)) == Array("PAR1".utf8)
      source = isParquet ? nil : try file.unpacked()
    } catch {
      throw .unpacking(error)
    }
    if let source {
      content = .text(CandleTextReader(source, sieve: sieve))
    } else {
      content = .parquet(try CandleParquetReader(path, sieve: sieve))
    }
  }

  /// A text, packed or not, that is in memory, such as a zip that was fetched.
  ///
  /// - Parameters:
  ///   - name: what errors call it.
  ///   - limitBytes: of the text; more is an error.
  package init(
    _ bytes: [UInt8], name: String, limitBytes: Int = 1 << 30, policy: BadRowPolicy = .reject
  ) throws(ImportError) {
    let input = InputBytes(bytes, name: name)
    file = input
    do throws(CompressionError) {
      let source = try input.unpacked(limitBytes: limitBytes)
      content = .text(CandleTextReader(source, sieve: CandleSieve(file: name, policy: policy)))
    } catch {
      throw .unpacking(error)
    }
  }

  /// The next candles, at least one; `nil` at the proper end of the file. A file without rows is an error.
  package func next() throws(ImportError) -> [Candle]? {
    switch content {
    case .text(let reader): try reader.next()
    case .parquet(let reader): try reader.next()
    }
  }

  package var name: String { file.path }
  package var rowsRead: Int { sieve.rowsRead }
  package var skipped: Int { sieve.tally.skipped }
  package var rounded: Int { sieve.rounded }
  package var badRows: [BadRow] { sieve.tally.badRows }

  package var progress: ImportProgress {
    guard case .text = content else { return ImportProgress(rows: rowsRead, bytesRead: 0, bytesTotal: 0) }
    return ImportProgress(rows: rowsRead, bytesRead: file.position, bytesTotal: file.size)
  }

  private var sieve: CandleSieve {
    switch content {
    case .text(let reader): reader.sieve
    case .parquet(let reader): reader.sieve
    }
  }
}
