package import Market

extension PostgresStore: PredictionLog {
  package func insert(_ predictions: [Prediction]) throws -> Int {
    guard !predictions.isEmpty else { return 0 }
    var seen = Set<PredictionKey>()
    let distinct = predictions.filter { seen.insert(PredictionKey($0)).inserted }
    try partitions.ensure(.predictions, for: distinct.map(\.time).sorted())
    return try pool.withConnection { connection in
      try connection.transaction {
        try connection.script(
          "CREATE TEMPORARY TABLE arriving_predictions ON COMMIT DROP AS SELECT * FROM predictions WITH NO DATA")
        let copy = try PostgresCopy(
          connection, into: "arriving_predictions (\(PredictionColumns.selection))",
          columns: PostgresPredictionColumns.count)
        for prediction in distinct {
          try copy.row { buffer in
            for value in PostgresPredictionColumns.values(prediction) { value.put(into: &buffer) }
          }
        }
        try copy.finish()
        return try connection.run(
          """
          INSERT INTO predictions (\(PredictionColumns.selection))
          SELECT \(PredictionColumns.selection) FROM arriving_predictions ON CONFLICT DO NOTHING
          """)
      }
    }
  }

  package func readPredictions(_ filter: PredictionFilter, _ body: ([Prediction]) throws -> Void) throws {
    let (condition, values) = PostgresPredictionColumns.condition(filter)
    var after: PostgresPredictionColumns.Position?
    repeat {
      let place = after
      let rows = try pool.withConnection {
        try $0.query(
          """
          SELECT \(PredictionColumns.selection) FROM predictions
          WHERE \(condition) \(place.map { $0.condition(from: values.count) } ?? "")
          \(PostgresPredictionColumns.order) LIMIT \(PostgresPredictionColumns.batch)
          """, values + (place?.values ?? []))
      }
      let predictions = try (0..<rows.count).map { row throws(StoreError) in
        try PostgresPredictionColumns.prediction(rows, row, path: name)
      }
      if !predictions.isEmpty { try body(predictions) }
      after = rows.count == PostgresPredictionColumns.batch ? predictions.last.map { .init($0) } : nil
    } while after != nil
  }

  package func exportPredictions(_ filter: PredictionFilter, to path: String) throws -> Int {
    let file = try TableFile(path)
    let session = try DuckDBSession(file: nil, name: path)
    try session.run("SET temp_directory = '\((path + ".spill").replacing("'", with: "''"))'")
    for case .create(let definition) in StoreSchema.candlesAndPredictions
    where definition.hasPrefix("TABLE predictions ") {
      try session.run("CREATE " + definition)
    }
    for case .change(let statements, _) in StoreSchema.forecasts + StoreSchema.arms {
      for statement in statements where statement.hasPrefix("ALTER TABLE predictions ") { try session.run(statement) }
    }
    let appender = try ChunkAppender(session, table: "predictions", PredictionColumns.types)
    try readPredictions(filter) { batch in
      for prediction in batch { try PredictionColumns.append(prediction, to: appender) }
    }
    try appender.finish()
    return try file.write("SELECT * FROM predictions", [], from: session)
  }
}

/// How predictions stand in the table; the columns are those of `PredictionColumns.selection`.
enum PostgresPredictionColumns {
  static let count = 23
  static let batch = 8192

  fileprivate static let key = """
    time, target COLLATE "C", model_name COLLATE "C", version COLLATE "C", mode COLLATE "C", market_view COLLATE "C"
    """
  static let order = "ORDER BY " + key

  static let insertion =
    "INSERT INTO predictions (\(PredictionColumns.selection)) VALUES ("
    + (1...count).map { "$\($0)" }.joined(separator: ", ") + ") ON CONFLICT DO NOTHING"

  static func values(_ prediction: Prediction) -> [PostgresValue] {
    [
      .instant(prediction.time), .text(prediction.direction?.rawValue), .double(prediction.confidence),
      .text(prediction.modelName.rawValue), .double(prediction.probabilityUp), .double(prediction.changePercent),
      .instant(prediction.availableAt), .text(prediction.view.description), .text(prediction.target.description),
      .text(prediction.version), .text(prediction.mode.rawValue), .text(prediction.state), .text(prediction.reason),
      .text(prediction.featureSetHash), .hash(prediction.inputHash), .integer(prediction.latencyNanoseconds),
      .double(prediction.forecast?.current), .double(prediction.forecast?.predicted),
      .double(prediction.forecast?.low), .double(prediction.forecast?.high),
      .integer(prediction.forecast?.inputAgeMilliseconds), .text(prediction.forecast?.source.rawValue),
      .text(prediction.arm.rawValue),
    ]
  }

  /// The direction is not read: it follows from the numbers.
  static func prediction(_ rows: PostgresRows, _ row: Int, path: String) throws(StoreError) -> Prediction {
    let time = try rows.time(row, 0)
    guard let modelName = ModelName(rawValue: try rows.text(row, 3)), let view = MarketView(try rows.text(row, 7)),
      let target = PredictionTarget(try rows.text(row, 8)),
      let mode = Prediction.Mode(rawValue: try rows.text(row, 10)),
      let arm = Prediction.Arm(stored: rows.optionalText(row, 22))
    else { throw .corrupt(path: path, reason: "a prediction of \(time) has names nobody knows") }
    var forecast: PriceForecast?
    if let text = rows.optionalText(row, 21) {
      guard let source = PriceForecast.Source(rawValue: text) else {
        throw .corrupt(path: path, reason: "a prediction of \(time) has features from \(text.debugDescription)")
      }
      forecast = PriceForecast(
        current: try rows.optionalDouble(row, 16), predicted: try rows.optionalDouble(row, 17),
        low: try rows.optionalDouble(row, 18), high: try rows.optionalDouble(row, 19),
        inputAgeMilliseconds: try rows.optionalInteger(row, 20), source: source)
    }
    return Prediction(
      time: time, availableAt: try rows.time(row, 6), view: view, target: target,
      probabilityUp: try rows.optionalDouble(row, 4), changePercent: try rows.optionalDouble(row, 5),
      confidence: try rows.optionalDouble(row, 2), modelName: modelName, version: try rows.text(row, 9),
      featureSetHash: try rows.text(row, 13), inputHash: try rows.hash(row, 14), state: try rows.text(row, 11),
      reason: try rows.text(row, 12), mode: mode, latencyNanoseconds: try rows.integer(row, 15),
      forecast: forecast, arm: arm)
  }

  static func condition(_ filter: PredictionFilter) -> (sql: String, values: [PostgresValue]) {
    let names: [(column: String, value: String?)] = [
      ("market_view", filter.view?.description), ("target", filter.target?.description),
      ("model_name", filter.model?.rawValue), ("version", filter.version), ("mode", filter.mode?.rawValue),
    ]
    let wanted = names.compactMap { name in name.value.map { (name.column, $0) } }
    let conditions =
      ["time >= $1", "time < $2"] + wanted.enumerated().map { "\($1.0) = $\($0 + 3)" }
      + filter.armCondition
    return (
      conditions.joined(separator: " AND "),
      [.instant(filter.range.lowerBound), .instant(filter.range.upperBound)] + wanted.map { .text($0.1) }
    )
  }

  /// A prediction after which to read on.
  struct Position {
    let values: [PostgresValue]

    init(_ prediction: Prediction) {
      values = [
        .instant(prediction.time), .text(prediction.target.description), .text(prediction.modelName.rawValue),
        .text(prediction.version), .text(prediction.mode.rawValue), .text(prediction.view.description),
      ]
    }

    /// The first part lets the index and the partitions before it be passed over.
    func condition(from count: Int) -> String {
      let places = (1...6).map { "$\(count + $0)" }.joined(separator: ", ")
      return "AND time >= $\(count + 1) AND (\(key)) > (\(places))"
    }
  }
}
