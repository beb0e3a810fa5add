package import Market

extension PostgresStore: Journal {
  package func openEvaluation(_ opening: EvaluationOpening, at time: Timestamp) throws -> Int {
    let key: [PostgresValue] = [
      .text(opening.view.description), .text(opening.target.description), .text(opening.version),
      .instant(opening.period.lowerBound), .instant(opening.period.upperBound),
    ]
    return try pool.withConnection { connection in
      try connection.transaction {
        // Two that open the same period at once count one another.
        try connection.script("LOCK TABLE evaluation_openings IN SHARE ROW EXCLUSIVE MODE")
        try connection.run(
          """
          INSERT INTO evaluation_openings (market_view, target, version, period_from, period_to, opened_at)
          VALUES ($1, $2, $3, $4, $5, $6)
          """, key + [.instant(time)])
        return Int(
          try connection.query(
            """
            SELECT count(*) FROM evaluation_openings
            WHERE market_view = $1 AND target = $2 AND version = $3 AND period_from = $4 AND period_to = $5
            """, key
          ).integer(0, 0))
      }
    }
  }

  package func recordTraining(_ training: TrainingRecord) throws {
    let key: [PostgresValue] = [
      .instant(training.trainedAt), .text(training.version), .text(training.modelName.rawValue),
    ]
    try pool.withConnection { connection in
      try connection.transaction {
        // Who trains and who serves may both note it.
        try connection.script("LOCK TABLE training_metadata IN SHARE ROW EXCLUSIVE MODE")
        let known = try connection.query(
          "SELECT count(*) FROM training_metadata WHERE trained_at = $1 AND version = $2 AND model_name = $3", key)
        guard try known.integer(0, 0) == 0 else { return }
        try connection.run(
          """
          INSERT INTO training_metadata (trained_at, version, model_name, market_view, target, trained_from, trained_to,
            row_count, log_loss, auc, accuracy, verdict, validation_row_count, rmse, mae)
          VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
          """,
          key + [
            .text(training.view.description), .text(training.target.description),
            .instant(training.trainedOn.lowerBound), .instant(training.trainedOn.upperBound),
            .integer(Int64(training.rows)), .double(training.logLoss), .double(training.auc),
            .double(training.accuracy), .text(training.verdict), .integer(training.validationRows.map { Int64($0) }),
            .double(training.rootMeanSquaredError), .double(training.meanAbsoluteError),
          ])
      }
    }
  }

  package func trainedVersions() throws -> Set<String> {
    try pool.withConnection { connection in
      let rows = try connection.query("SELECT DISTINCT version FROM training_metadata")
      return Set(try (0..<rows.count).map { row throws(StoreError) in try rows.text(row, 0) })
    }
  }

  package func setMeta(_ key: String, _ value: String?) throws {
    _ = try pool.withConnection { connection in
      if let value {
        try connection.run(
          "INSERT INTO store_meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
          [.text(key), .text(value)])
      } else {
        try connection.run("DELETE FROM store_meta WHERE key = $1", [.text(key)])
      }
    }
  }

  package func meta(_ key: String) throws -> String? {
    try pool.withConnection {
      let rows = try $0.query("SELECT value FROM store_meta WHERE key = $1", [.text(key)])
      return rows.count > 0 ? try rows.text(0, 0) : nil
    }
  }
}
