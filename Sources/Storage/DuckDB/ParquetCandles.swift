package import Market

/// Candles in a Parquet file, with our column names or Binance's, in the order of the file.
package final class ParquetCandles {
  package enum Row: Sendable {
    case candle(Candle)
    /// A column that may not be null is.
    case missing(field: String)
  }

  private struct Column {
    let field: String
    let names: [String]
    var type = "DECIMAL(20,8)"
    var isRequired = false
  }

  private static let prices = ["open", "high", "low", "close"].map { Column(field: $0, names: [$0], isRequired: true) }

  private static let amounts = [
    Column(field: "volume", names: ["volume"]),
    Column(field: "quote_volume", names: ["quote_volume", "quote_asset_volume"]),
    Column(field: "trades", names: ["trades", "count", "number_of_trades"], type: "BIGINT"),
    Column(
      field: "taker_buy_base",
      names: ["taker_buy_base", "taker_buy_volume", "taker_buy_base_volume", "taker_buy_base_asset_volume"]),
    Column(
      field: "taker_buy_quote",
      names: ["taker_buy_quote", "taker_buy_quote_volume", "taker_buy_quote_asset_volume"]),
  ]

  private static let yearsUntil2200Microseconds: Int64 = 7_258_118_400_000_000

  private let path: String
  private let result: QueryResult

  package init(path: String) throws(StoreError) {
    self.path = path
    result = try Self.explaining(path) { () throws(StoreError) in
      let session = try DuckDBSession(file: nil, name: path)
      let types = try Self.types(of: path, session)
      let time = try Self.timeExpression(path, types, session)
      let columns = try (Self.prices + Self.amounts).map { column throws(StoreError) in
        try Self.expression(for: column, path, types)
      }
      let sql = "SELECT \(([time] + columns).joined(separator: ", ")) FROM read_parquet(?)"
      return try session.prepare(sql).stream([.text(path)])
    }
  }

  /// The next rows, at least one; `nil` at the end.
  package func next() throws(StoreError) -> [Row]? {
    try Self.explaining(path) { () throws(StoreError) in
      try result.next { chunk throws(StoreError) in
        let columns = (0..<10).map(chunk.column)
        return (0..<chunk.count).map { Self.row($0, columns) }
      }
    }
  }

  private static func row(_ row: Int, _ columns: [ResultColumn]) -> Row {
    guard !columns[0].isNull(row) else { return .missing(field: "open_time") }
    guard let open = columns[1].decimal(row) else { return .missing(field: "open") }
    guard let high = columns[2].decimal(row) else { return .missing(field: "high") }
    guard let low = columns[3].decimal(row) else { return .missing(field: "low") }
    guard let close = columns[4].decimal(row) else { return .missing(field: "close") }
    return .candle(
      Candle(
        openTime: columns[0].time(row), open: open, high: high, low: low, close: close,
        volume: columns[5].decimal(row), quoteVolume: columns[6].decimal(row), trades: columns[7].optional(row),
        takerBuyBase: columns[8].decimal(row), takerBuyQuote: columns[9].decimal(row)))
  }

  // MARK: Columns

  private static func types(of path: String, _ session: DuckDBSession) throws(StoreError) -> [String: String] {
    let result = try session.query(
      "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(?))", [.text(path)])
    var types: [String: String] = [:]
    try result.forEachRow { chunk, row throws(StoreError) in
      types[chunk.column(0).text(row)] = chunk.column(1).text(row)
    }
    return types
  }

  private static func expression(
    for column: Column, _ path: String, _ types: [String: String]
  ) throws(StoreError) -> String {
    if let name = column.names.first(where: { types[$0] != nil }) { return "CAST(\"\(name)\" AS \(column.type))" }
    guard column.isRequired else { return "CAST(NULL AS \(column.type))" }
    throw missing(column.field, path, types)
  }

  /// Microseconds, whatever the file has; the unit of whole numbers is told by their magnitude.
  private static func timeExpression(
    _ path: String, _ types: [String: String], _ session: DuckDBSession
  ) throws(StoreError) -> String {
    guard let name = ["open_time_ms", "open_time"].first(where: { types[$0] != nil }), let type = types[name] else {
      throw missing("open_time_ms or open_time", path, types)
    }
    let raw = type.hasPrefix("TIMESTAMP") ? "epoch_us(\"\(name)\")" : "CAST(\"\(name)\" AS BIGINT)"
    let first = try session.query("SELECT min(\(raw)) FROM read_parquet(?)", [.text(path)]).number()
    let last = try session.query("SELECT max(\(raw)) FROM read_parquet(?)", [.text(path)]).number()
    guard let first, let last else { return raw }
    let borderline: Int64 = 100_000_000_000_000
    guard first >= 0, last < yearsUntil2200Microseconds else {
      throw .unreadable(path: path, reason: "\(name) leaves the years 1970 to 2199")
    }
    guard !type.hasPrefix("TIMESTAMP") else { return raw }
    guard (first < borderline) == (last < borderline) else {
      throw .unreadable(path: path, reason: "\(name) changes between milliseconds and microseconds")
    }
    return first < borderline ? "1000 * " + raw : raw
  }

  private static func missing(_ field: String, _ path: String, _ types: [String: String]) -> StoreError {
    let found = types.keys.sorted().joined(separator: ", ")
    return .unreadable(path: path, reason: "no column \(field); it has \(found)")
  }

  /// What DuckDB says about a file is about the file, not about a store.
  private static func explaining<Value>(
    _ path: String, _ body: () throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    do {
      return try body()
    } catch .failed(_, let reason), .corrupt(_, let reason) {
      throw .unreadable(path: path, reason: reason)
    }
  }
}
