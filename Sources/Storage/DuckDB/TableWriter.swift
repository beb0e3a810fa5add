package import Market

/// Writes a wide table of numbers, a row per minute, as Parquet or CSV. The first column is `open_time_ms`; NaN
/// becomes null.
package final class TableWriter {
  private let file: TableFile
  private let session: DuckDBSession
  private let appender: ChunkAppender
  private let width: Int

  package init(path: String, columns: [String], memoryMegabytes: Int = 256) throws {
    file = try TableFile(path)
    width = columns.count
    session = try DuckDBSession(file: nil, name: path, limits: .init(threads: 2, memoryMegabytes: memoryMegabytes))
    try session.run("SET temp_directory = '\((path + ".spill").replacing("'", with: "''"))'")
    let definitions = (["open_time_ms BIGINT"] + columns.map { "\($0.quotedName) DOUBLE" }).joined(separator: ", ")
    try session.run("CREATE TABLE wide (\(definitions))")
    appender = try ChunkAppender(
      session, table: "wide", [.bigint] + Array(repeating: .double, count: columns.count))
  }

  /// `values` has one number for each column.
  package func append(_ openTime: Timestamp, _ values: Span<Double>) throws {
    precondition(values.count == width, "a row has \(values.count) values for \(width) columns")
    appender.set(0, openTime.milliseconds)
    for index in values.indices {
      let value = values[index]
      if value.isNaN { appender.setNull(index + 1) } else { appender.set(index + 1, value) }
    }
    try appender.endRow()
  }

  /// Puts the file in its place and returns the number of rows. Without this call there is no file.
  package func finish() throws -> Int {
    try appender.finish()
    return try file.write("SELECT * FROM wide", [], from: session)
  }
}

extension String {
  fileprivate var quotedName: String { "\"" + replacing("\"", with: "\"\"") + "\"" }
}
