import Compression
import Market

/// Trades of one file of Binance's archives (`trades` or `aggTrades`, plain, gzip, zip or zstd) in order of their ids.
package final class TradeFileReader {
  private static let longestLine = 4096

  package let name: String
  /// Ids that no row has, between those that rows have.
  package private(set) var missingIds: Int64 = 0
  private let input: any PackedInput
  private let lines: LineReader
  private var tally: RowTally
  private var layout: TradeLayout?
  private var unit: TimeUnit?
  private var lastId: Int64?

  package convenience init(path: String, policy: BadRowPolicy = .reject) throws(ImportError) {
    do throws(CompressionError) {
      let file = try InputFile(path: path)
      self.init(file, try file.unpacked(), policy)
    } catch {
      throw .unpacking(error)
    }
  }

  /// - Parameters:
  ///   - name: what errors call it.
  ///   - limitBytes: of the text; more is an error.
  package convenience init(
    _ bytes: [UInt8], name: String, limitBytes: Int = 4 << 30, policy: BadRowPolicy = .reject
  ) throws(ImportError) {
    do throws(CompressionError) {
      let input = InputBytes(bytes, name: name)
      self.init(input, try input.unpacked(limitBytes: limitBytes), policy)
    } catch {
      throw .unpacking(error)
    }
  }

  private init(_ input: any PackedInput, _ source: any ByteSource, _ policy: BadRowPolicy) {
    (self.input, name) = (input, input.path)
    lines = LineReader(source, longestLine: Self.longestLine)
    tally = RowTally(file: input.path, policy: policy)
  }

  package var rowsRead: Int { tally.rowsRead }
  package var skipped: Int { tally.skipped }
  /// The first hundred of the skipped rows.
  package var badRows: [BadRow] { tally.badRows }
  package var progress: ImportProgress {
    ImportProgress(rows: rowsRead, bytesRead: input.position, bytesTotal: input.size)
  }

  /// The next rows, at least one; `nil` at the proper end of the file. A file without rows is an error.
  package func next() throws(ImportError) -> [ArchiveTrade]? {
    var trades: [ArchiveTrade] = []
    while try fill() {
      try lines.forEach { text throws(ImportError) in try read(text, into: &trades) }
      guard !lines.isTooLong else { throw .lineTooLong(file: name, line: lines.line + 1) }
      if !trades.isEmpty { return trades }
    }
    guard rowsRead > 0 else { throw .noTrades(file: name) }
    return nil
  }

  /// Of the rows that were read.
  var isAggregated: Bool { layout?.kind == .aggTrades }
  /// Times were given in microseconds.
  var isMicroseconds: Bool { unit == .microseconds }

  private func fill() throws(ImportError) -> Bool {
    do { return try lines.fill() } catch { throw .unpacking(error) }
  }

  private func read(_ text: UnsafeBufferPointer<UInt8>, into trades: inout [ArchiveTrade]) throws(ImportError) {
    guard let start = text.baseAddress else { return }
    guard let layout else { return try recognise(text, into: &trades) }
    var scanner = FieldScanner(start, count: text.count)
    switch TradeLine(&scanner, layout, unit: &unit) {
    case .trade(let trade): if try accepts(trade) { trades.append(trade) }
    case .otherUnit: throw .mixedUnits(file: name, line: lines.line)
    case .fault(let column, let rule):
      try tally.refuse(text, line: lines.line, columns: layout.columns, column: column, rule: rule)
    }
  }

  private func recognise(
    _ text: UnsafeBufferPointer<UInt8>, into trades: inout [ArchiveTrade]
  ) throws(ImportError) {
    guard let (found, hasHeader) = TradeLayout.recognise(Array(text)) else {
      throw .unknownTrades(file: name, found: RowTally.shown(text))
    }
    layout = found
    if !hasHeader { try read(text, into: &trades) }
  }

  private func accepts(_ row: ArchiveTrade) throws(ImportError) -> Bool {
    guard row.trade.id > lastId ?? -1 else {
      let rule = row.trade.id == lastId ? "each id occurs once" : "ids rise from row to row"
      try tally.refuse(BadRow(file: name, line: lines.line, field: "id", value: "\(row.trade.id)", rule: rule))
      return false
    }
    if let lastId { missingIds += row.trade.id - lastId - 1 }
    lastId = row.trade.id
    tally.rowsRead += 1
    return true
  }
}
