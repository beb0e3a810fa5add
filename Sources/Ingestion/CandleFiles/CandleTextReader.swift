import Compression
internal import Glibc
import Market

/// Candles from the text of a file, a buffer's worth of lines at a time.
final class CandleTextReader {
  static let longestLine = 4096
  private static let bufferSize = 1 << 18

  private(set) var sieve: CandleSieve
  private let source: any ByteSource
  private var layout: CandleLayout?
  private var unit: TimeUnit?
  private var buffer = [UInt8](repeating: 0, count: bufferSize)
  /// Bytes at the start of `buffer` that belong to a line not read yet.
  private var pending = 0
  private var line = 0
  private var isAtEnd = false

  init(_ source: any ByteSource, sieve: CandleSieve) { (self.source, self.sieve) = (source, sieve) }

  /// The next candles, at least one; `nil` at the proper end of the file.
  func next() throws(ImportError) -> [Candle]? {
    var candles: [Candle] = []
    while !isAtEnd {
      let end = try fill()
      let consumed = try readLines(upTo: end, into: &candles)
      pending = end - consumed
      guard pending <= Self.longestLine else { throw .lineTooLong(file: sieve.file, line: line + 1) }
      for offset in 0..<pending { buffer[offset] = buffer[consumed + offset] }
      if !candles.isEmpty { return candles }
    }
    guard sieve.rowsRead > 0 else { throw .empty(file: sieve.file) }
    return nil
  }

  /// Adds bytes to the buffer and returns where they end. At the end of the data a last line gets its line break.
  private func fill() throws(ImportError) -> Int {
    let count: Int
    do { count = try source.read(into: &buffer, from: pending) } catch { throw .unpacking(error) }
    guard count == 0 else { return pending + count }
    isAtEnd = true
    guard pending > 0 else { return 0 }
    buffer[pending] = UInt8(ascii: "\n")
    return pending + 1
  }

  private func readLines(upTo end: Int, into candles: inout [Candle]) throws(ImportError) -> Int {
    candles.reserveCapacity(end / 64)
    return try buffer.withUnsafeBufferPointer { bytes throws(ImportError) in
      guard let base = bytes.baseAddress else { return 0 }
      var start = 0
      while let found = memchr(base + start, 0x0A, end - start) {
        let stop = UnsafeRawPointer(found) - UnsafeRawPointer(base)
        line += 1
        try readLine(UnsafeBufferPointer(rebasing: bytes[start..<stop]), into: &candles)
        start = stop + 1
      }
      return start
    }
  }

  private func readLine(_ text: UnsafeBufferPointer<UInt8>, into candles: inout [Candle]) throws(ImportError) {
    let isFromDOS = text.last == UInt8(ascii: "\r")
    guard let start = text.baseAddress, text.count > (isFromDOS ? 1 : 0) else { return }
    let count = text.count - (isFromDOS ? 1 : 0)
    guard let layout else {
      try recognise(Array(text.prefix(count)), into: &candles)
      return
    }
    var scanner = FieldScanner(start, count: count)
    switch CandleLine(&scanner, layout: layout, unit: &unit) {
    case .candle(let candle):
      guard try sieve.accepts(candle, line: line) else { return }
      candles.append(candle)
      if scanner.roundedAmounts > 0 { sieve.rounded += 1 }
    case .otherUnit: throw .mixedUnits(file: sieve.file, line: line)
    case .fault(let column, let rule):
      try sieve.refuse(badRow(Array(text.prefix(count)), layout, column, rule))
    }
  }

  private func recognise(_ text: [UInt8], into candles: inout [Candle]) throws(ImportError) {
    guard let (found, hasHeader) = CandleLayout.recognise(text) else {
      throw .unknownHeader(file: sieve.file, found: Self.shown(text[...]))
    }
    layout = found
    guard !hasHeader else { return }
    try text.withUnsafeBufferPointer { bytes throws(ImportError) in try readLine(bytes, into: &candles) }
  }

  private func badRow(_ text: [UInt8], _ layout: CandleLayout, _ column: Int, _ rule: String) -> BadRow {
    let fields = text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    guard fields.count == layout.columns.count, layout.columns.indices.contains(column) else {
      let rule = "a line has \(layout.columns.count) columns"
      return BadRow(file: sieve.file, line: line, field: "columns", value: "\(fields.count)", rule: rule)
    }
    return BadRow(
      file: sieve.file, line: line, field: layout.columns[column], value: Self.shown(fields[column]), rule: rule)
  }

  /// At most 80 bytes, without what a terminal would obey.
  private static func shown(_ text: ArraySlice<UInt8>) -> String {
    let printable = text.prefix(80).map { (32..<127).contains($0) ? $0 : UInt8(ascii: "?") }
    return String(decoding: printable, as: UTF8.self) + (text.count > 80 ? "…" : "")
  }
}
