import Market

/// What happens to rows that break a rule.
package enum BadRowPolicy: String, Sendable, CaseIterable {
  /// The first one ends the import; nothing is kept of the file.
  case reject
  /// They are left out, counted, and the first of them listed.
  case skip
}

/// Counts the rows of a file and keeps the first of those that were refused.
struct RowTally {
  static let listed = 100

  let file: String
  let policy: BadRowPolicy
  var rowsRead = 0
  private(set) var skipped = 0
  /// The first `listed` skipped rows.
  private(set) var badRows: [BadRow] = []

  init(file: String, policy: BadRowPolicy) { (self.file, self.policy) = (file, policy) }

  mutating func refuse(_ row: BadRow) throws(ImportError) {
    rowsRead += 1
    guard policy == .skip else { throw .badRow(row) }
    skipped += 1
    if badRows.count < Self.listed { badRows.append(row) }
  }

  /// A line that does not have its columns, or has something else in one of them.
  mutating func refuse(
    _ text: UnsafeBufferPointer<UInt8>, line: Int, columns: [String], column: Int, rule: String
  ) throws(ImportError) {
    let fields = text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    guard fields.count == columns.count, columns.indices.contains(column) else {
      let rule = "a line has \(columns.count) columns"
      return try refuse(BadRow(file: file, line: line, field: "columns", value: "\(fields.count)", rule: rule))
    }
    let value = Self.shown(fields[column])
    try refuse(BadRow(file: file, line: line, field: columns[column], value: value, rule: rule))
  }

  /// At most 80 bytes, without what a terminal would obey.
  static func shown(_ text: some Collection<UInt8>) -> String {
    let printable = text.prefix(80).map { (32..<127).contains($0) ? $0 : UInt8(ascii: "?") }
    return String(decoding: printable, as: UTF8.self) + (text.count > 80 ? "…" : "")
  }
}

/// Lets through the candles that keep every rule, in strictly rising order.
struct CandleSieve {
  private(set) var tally: RowTally
  /// Candles of which an amount was rounded to eight decimals.
  var rounded = 0
  private var last = Timestamp.distantPast

  init(file: String, policy: BadRowPolicy) { tally = RowTally(file: file, policy: policy) }

  var file: String { tally.file }
  var rowsRead: Int { tally.rowsRead }

  mutating func accepts(_ candle: Candle, line: Int) throws(ImportError) -> Bool {
    if candle.openTime > last, candle.violation == nil {
      last = candle.openTime
      tally.rowsRead += 1
      return true
    }
    try refuse(fault(of: candle, line: line))
    return false
  }

  mutating func refuse(_ row: BadRow) throws(ImportError) { try tally.refuse(row) }

  mutating func refuse(
    _ text: UnsafeBufferPointer<UInt8>, line: Int, columns: [String], column: Int, rule: String
  ) throws(ImportError) {
    try tally.refuse(text, line: line, columns: columns, column: column, rule: rule)
  }

  private func fault(of candle: Candle, line: Int) -> BadRow {
    if let (rule, field) = candle.violation {
      return BadRow(file: file, line: line, field: field, value: candle.text(of: field), rule: rule.rawValue)
    }
    let rule = candle.openTime == last ? "each minute occurs once" : "open times rise from row to row"
    return BadRow(file: file, line: line, field: "open_time", value: "\(candle.openTime)", rule: rule)
  }
}

extension Candle {
  /// The value of a column as it is shown to a person.
  fileprivate func text(of field: String) -> String {
    let value: (any CustomStringConvertible)? =
      switch field {
      case "open_time": openTime
      case "open": open
      case "high": high
      case "low": low
      case "close": close
      case "volume": volume
      case "quote_volume": quoteVolume
      case "trades": trades
      case "taker_buy_base": takerBuyBase
      case "taker_buy_quote": takerBuyQuote
      default: nil
      }
    return value.map(\.description) ?? ""
  }
}
