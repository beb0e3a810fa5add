import Market

extension PostgresConnection {
  /// The newest version of each minute, in order.
  func versions(
    of series: Int32, in range: Range<Timestamp>, asOf: Timestamp
  ) throws(StoreError) -> VersionWindow {
    try askForVersions(of: series, in: range, asOf: asOf)
    return try takeVersions(in: range)
  }

  func askForVersions(of series: Int32, in range: Range<Timestamp>, asOf: Timestamp) throws(StoreError) {
    // A copy is read while the server makes the rest of it, and takes no parameters.
    try askForCopy(
      """
      COPY (
        SELECT \(CandleColumns.selection) FROM candle_versions
        WHERE series = \(series) AND open_time >= \(range.lowerBound.postgresConstant)
          AND open_time < \(range.upperBound.postgresConstant) AND known_at <= \(asOf.postgresConstant)
      ) TO STDOUT (FORMAT binary)
      """)
  }

  /// What was asked for last.
  func takeVersions(in range: Range<Timestamp>) throws(StoreError) -> VersionWindow {
    var window = VersionWindow(minutes: range.upperBound.minutes(since: range.lowerBound))
    var rows = PostgresCopiedRows(columns: PostgresCandleColumns.selectionNames, path: path)
    try takeCopy { piece throws(StoreError) in
      try rows.read(piece) { row throws(StoreError) in
        let (record, revision) = try PostgresCandleColumns.version(&row)
        window.append(record, revision: revision)
      }
    }
    window.keepNewest()
    return window
  }
}
