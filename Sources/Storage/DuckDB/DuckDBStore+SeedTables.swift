package import Market

/// Rows of the tables that other systems know.
extension DuckDBStore {
  func addFeatures(_ batches: [LiveBatch]) throws {
    let times = batches.flatMap(\.features).map(\.time)
    guard let first = times.min(), let last = times.max() else { return }
    var seen = Set<FeatureKey>()
    try statements.query(
      "SELECT time, market_view, feature_set_hash, version FROM feature_cache WHERE time >= ? AND time <= ?",
      [.instant(first), .instant(last)]
    ).forEachRow { chunk, row throws(StoreError) in seen.insert(FeatureKey(chunk, row)) }
    let appender = try ChunkAppender(
      session, table: "feature_cache", [.instant, .text, .text, .text, .text, .text, .text, .instant])
    for batch in batches {
      for row in batch.features where seen.insert(FeatureKey(row)).inserted {
        appender.set(0, row.time)
        appender.set(1, text: row.json)
        appender.set(2, text: row.view.price.venue.name)
        appender.set(3, text: row.view.price.symbol.name)
        appender.set(4, text: row.view.description)
        appender.set(5, text: row.featureSetHash)
        appender.set(6, text: row.version)
        appender.set(7, batch.knownAt)
        try appender.endRow()
      }
    }
    try appender.finish()
  }

  package func features(of view: MarketView, in range: Range<Timestamp>, limit: Int) throws -> [FeatureRow] {
    var rows: [FeatureRow] = []
    try session.query(
      """
      SELECT time, feature_set_hash, version, features_json FROM feature_cache
      WHERE market_view = ? AND time >= ? AND time < ? ORDER BY time, feature_set_hash, version LIMIT ?
      """,
      [
        .text(view.description), .instant(range.lowerBound), .instant(range.upperBound), .integer(Int64(limit)),
      ]
    ).forEachRow { chunk, row throws(StoreError) in
      rows.append(
        FeatureRow(
          time: chunk.column(0).time(row), view: view, featureSetHash: chunk.column(1).text(row),
          version: chunk.column(2).text(row), json: chunk.column(3).text(row)))
    }
    return rows
  }

  func addLog(_ rows: [SystemLogRow]) throws {
    for row in rows {
      try statements.run(
        """
        INSERT INTO "systemLogs" (category, subcategory, level, message, context, symbol, timestamp)
        VALUES (?, ?, ?, ?, ?, ?, timezone('UTC', ?::TIMESTAMPTZ))
        """,
        [
          .text(row.category), .optionalText(row.subcategory), .text(row.level), .text(row.message),
          .optionalText(row.context), .optionalText(row.symbol), .instant(row.time),
        ])
    }
  }

  package func setModels(_ models: [RegisteredModel]) throws {
    try session.transaction {
      try session.run("DELETE FROM model_registry")
      for model in models {
        try session.run(
          "INSERT INTO model_registry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          [
            .text(model.version), .text(model.view.description), .text(model.target.description),
            .text(model.status.rawValue), .boolean(model.status != .archived), .instant(model.registeredAt),
            .instant(model.changedAt), .text(model.path), .text(model.digest), .boolean(model.isGatePassed),
            .text(model.gateReason), .boolean(model.isSynthetic),
          ])
      }
    }
  }
}

private struct FeatureKey: Hashable {
  let time: Timestamp
  let view: String
  let featureSetHash: String
  let version: String

  init(_ row: FeatureRow) {
    (time, view, featureSetHash, version) = (row.time, row.view.description, row.featureSetHash, row.version)
  }

  init(_ chunk: ResultChunk, _ row: Int) {
    (time, view) = (chunk.column(0).time(row), chunk.column(1).text(row))
    (featureSetHash, version) = (chunk.column(2).text(row), chunk.column(3).text(row))
  }
}
