package import Market

/// Rows of the tables that other systems know.
extension PostgresStore {
  func addFeatures(_ batches: [LiveBatch], to commit: inout PostgresCommit) {
    for batch in batches {
      for row in batch.features {
        commit.times[.features, default: []].insert(row.time)
        commit.add(
          """
          INSERT INTO feature_cache (time, features_json, venue, symbol, market_view, feature_set_hash, version, known_at,
            open_time) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
          ON CONFLICT (time, market_view, feature_set_hash, version) DO NOTHING
          """,
          [
            .instant(row.time), .text(row.json), .text(row.view.price.venue.name), .text(row.view.price.symbol.name),
            .text(row.view.description), .text(row.featureSetHash), .text(row.version), .instant(batch.knownAt),
            .instant(row.time.adding(minutes: -1)),
          ])
      }
    }
  }

  package func features(of view: MarketView, in range: Range<Timestamp>, limit: Int) throws -> [FeatureRow] {
    let rows = try pool.withConnection {
      try $0.query(
        """
        SELECT time, feature_set_hash, version, features_json FROM feature_cache
        WHERE market_view = $1 AND time >= $2 AND time < $3 ORDER BY time, feature_set_hash, version LIMIT $4
        """,
        [
          .text(view.description), .instant(range.lowerBound), .instant(range.upperBound), .integer(Int64(limit)),
        ])
    }
    return try (0..<rows.count).map { row throws(StoreError) in
      FeatureRow(
        time: try rows.time(row, 0), view: view, featureSetHash: try rows.text(row, 1), version: try rows.text(row, 2),
        json: try rows.text(row, 3))
    }
  }

  func addLog(_ rows: [SystemLogRow], to commit: inout PostgresCommit) {
    for row in rows {
      commit.add(
        """
        INSERT INTO "systemLogs" (category, subcategory, level, message, context, symbol, timestamp)
        VALUES (left($1, 50), left($2, 50), $3, $4, $5::JSONB, left($6, 20), $7::TIMESTAMPTZ AT TIME ZONE 'UTC')
        """,
        [
          .text(row.category), .text(row.subcategory), .text(row.level), .text(row.message), .text(row.context),
          .text(row.symbol), .instant(row.time),
        ])
    }
  }

  package func setModels(_ models: [RegisteredModel]) throws {
    try pool.withConnection { connection in
      try connection.transaction {
        // Two that write at once follow one another.
        try connection.script("LOCK TABLE model_registry IN SHARE ROW EXCLUSIVE MODE")
        try connection.run("DELETE FROM model_registry")
        for model in models {
          try connection.run(
            """
            INSERT INTO model_registry (version, market_view, target, status, is_active, registered_at, changed_at,
              model_path, digest, gate_passed, gate_reason, is_synthetic)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            """,
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
}
