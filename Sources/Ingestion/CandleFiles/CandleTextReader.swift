import Compression
import Market

/// Candles from the text of a file, a buffer's worth of lines at a time.
final class CandleTextReader {
  static let longestLine = 4096

  private(set) var sieve: CandleSieve
  private let lines: LineReader
  private var layout: CandleLayout?
  private var unit: TimeUnit?

  init(_ source: any ByteSource, sieve: CandleSieve) {
    self.sieve = sieve
    lines = LineReader(source, longestLine: Self.longestLine)
  }

  /// The next candles, at least one; `nil` at the proper end of the file.
  func next() throws(ImportError) -> [Candle]? {
    var candles: [Candle] = []
    while try fill() {
      try lines.forEach { text throws(ImportError) in try readLine(text, into: &candles) }
      guard !lines.isTooLong else { throw .lineTooLong(file: sieve.file, line: lines.line + 1) }
      if !candles.isEmpty { return candles }
    }
    guard sieve.rowsRead > 0 else { throw .empty(file: sieve.file) }
    return nil
  }

  private func fill() throws(ImportError) -> Bool {
    do { return try lines.fill() } catch { throw .unpacking(error) }
  }

  private func readLine(_ text: UnsafeBufferPointer<UInt8>, into candles: inout [Candle]) throws(ImportError) {
    guard let start = text.baseAddress else { return }
    guard let layout else {
      try recognise(Array(text), into: &candles)
      return
    }
    var scanner = FieldScanner(start, count: text.count)
    switch CandleLine(&scanner, layout: layout, unit: &unit) {
    case .candle(let candle):
      guard try sieve.accepts(candle, line: lines.line) else { return }
      candles.append(candle)
      if scanner.roundedAmounts > 0 { sieve.rounded += 1 }
    case .otherUnit: throw .mixedUnits(file: sieve.file, line: lines.line)
    case .fault(let column, let rule):
      try sieve.refuse(text, line: lines.line, columns: layout.columns, column: column, rule: rule)
    }
  }

  private func recognise(_ text: [UInt8], into candles: inout [Candle]) throws(ImportError) {
    guard let (found, hasHeader) = CandleLayout.recognise(text) else {
      throw .unknownHeader(file: sieve.file, found: RowTally.shown(text))
    }
    layout = found
    guard !hasHeader else { return }
    try text.withUnsafeBufferPointer { bytes throws(ImportError) in try readLine(bytes, into: &candles) }
  }
}
