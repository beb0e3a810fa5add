internal import Glibc

/// A table about to be written as Parquet or CSV: beside its place first, then renamed into it.
struct TableFile {
  private enum Format: String {
    case parquet = "FORMAT parquet, COMPRESSION zstd"
    case csv = "FORMAT csv, HEADER"
  }

  let path: String
  private let format: Format
  private var unfinished: String { path + ".unfinished" }

  init(_ path: String) throws(StoreError) {
    self.path = path
    if path.hasSuffix(".parquet") {
      format = .parquet
    } else if path.hasSuffix(".csv") {
      format = .csv
    } else {
      throw .cannotOpen(path: path, reason: "the name of a table must end in .parquet or .csv")
    }
  }

  /// Writes what a query gives and returns the number of rows.
  func write(_ sql: String, _ values: [SQLValue], from session: DuckDBSession) throws(StoreError) -> Int {
    do throws(StoreError) {
      let rows = try session.run("COPY (\(sql)) TO \(unfinished.quotedForSQL) (\(format.rawValue))", values)
      guard rename(unfinished, path) == 0 else {
        throw StoreError.cannotOpen(path: path, reason: String(cString: strerror(errno)))
      }
      return rows
    } catch {
      unlink(unfinished)
      throw error
    }
  }
}

extension String {
  /// A string literal; only for the places where a statement takes no `?`.
  fileprivate var quotedForSQL: String { "'" + replacing("'", with: "''") + "'" }
}
