package import Market

extension DuckDBStore: Journal {
  package func openEvaluation(_ opening: EvaluationOpening, at time: Timestamp) throws -> Int {
    let key: [SQLValue] = [
      .text(opening.view.description), .text(opening.target.description), .text(opening.version),
      .instant(opening.period.lowerBound), .instant(opening.period.upperBound),
    ]
    return try session.transaction {
      try session.run("INSERT INTO evaluation_openings VALUES (?, ?, ?, ?, ?, ?)", key + [.instant(time)])
      let count = try session.query(
        """
        SELECT count(*) FROM evaluation_openings
        WHERE market_view = ? AND target = ? AND version = ? AND period_from = ? AND period_to = ?
        """, key
      ).number()
      return Int(count ?? 0)
    }
  }

  package func recordTraining(_ training: TrainingRecord) throws {
    let known = try session.query(
      "SELECT count(*) FROM training_metadata WHERE trained_at = ? AND version = ? AND model_name = ?",
      [.instant(training.trainedAt), .text(training.version), .text(training.modelName.rawValue)]
    ).number()
    guard known == 0 else { return }
    try session.run(
      "INSERT INTO training_metadata VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      [
        .instant(training.trainedAt), .text(training.view.description), .text(training.target.description),
        .text(training.version), .text(training.modelName.rawValue), .instant(training.trainedOn.lowerBound),
        .instant(training.trainedOn.upperBound), .integer(Int64(training.rows)), .double(training.logLoss),
        .double(training.auc), .double(training.accuracy), .text(training.verdict),
        .optionalInteger(training.validationRows.map { Int64($0) }), .double(training.rootMeanSquaredError),
        .double(training.meanAbsoluteError),
      ])
  }

  package func trainedVersions() throws -> Set<String> {
    var versions: Set<String> = []
    try session.query("SELECT DISTINCT version FROM training_metadata").forEachRow { chunk, row throws(StoreError) in
      versions.insert(chunk.column(0).text(row))
    }
    return versions
  }

  package func setMeta(_ key: String, _ value: String?) throws {
    try session.transaction {
      try session.run("DELETE FROM store_meta WHERE key = ?", [.text(key)])
      if let value { try session.run("INSERT INTO store_meta VALUES (?, ?)", [.text(key), .text(value)]) }
    }
  }

  package func meta(_ key: String) throws -> String? {
    var value: String?
    try session.query("SELECT value FROM store_meta WHERE key = ?", [.text(key)]).forEachRow {
      chunk, row throws(StoreError) in
      value = chunk.column(0).text(row)
    }
    return value
  }
}
