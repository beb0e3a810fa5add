package import Market

extension DuckDBStore: PredictionLog {
  package func insert(_ predictions: [Prediction]) throws -> Int {
    guard let first = predictions.map(\.time).min(), let last = predictions.map(\.time).max() else { return 0 }
    return try session.transaction {
      try session.run("CREATE OR REPLACE TEMP TABLE arriving AS FROM predictions LIMIT 0")
      let appender = try ChunkAppender(session, table: "arriving", PredictionColumns.types)
      var seen = Set<PredictionKey>()
      for prediction in predictions where seen.insert(PredictionKey(prediction)).inserted {
        try PredictionColumns.append(prediction, to: appender)
      }
      try appender.finish()
      let added = try session.run(
        """
        INSERT INTO predictions SELECT * FROM arriving
        ANTI JOIN (FROM predictions WHERE time >= ? AND time <= ?) stored
          USING (time, market_view, target, model_name, version, mode)
        """, [.instant(first), .instant(last)])
      try session.run("DROP TABLE arriving")
      return added
    }
  }

  package func readPredictions(_ filter: PredictionFilter, _ body: ([Prediction]) throws -> Void) throws {
    let (condition, values) = PredictionColumns.condition(filter)
    let result = try session.query(
      "SELECT \(PredictionColumns.selection) FROM predictions WHERE \(condition) \(PredictionColumns.order)", values)
    while let batch = try result.next({ chunk throws(StoreError) in
      try PredictionColumns.predictions(in: chunk, path: path)
    }) {
      try body(batch)
    }
  }

  package func exportPredictions(_ filter: PredictionFilter, to path: String) throws -> Int {
    let (condition, values) = PredictionColumns.condition(filter)
    return try TableFile(path).write(
      "SELECT * FROM predictions WHERE \(condition) \(PredictionColumns.order)", values, from: session)
  }
}

/// What makes a prediction one of its kind, as the table has it.
struct PredictionKey: Hashable {
  let time: Timestamp
  let view: String
  let target: String
  let modelName: String
  let version: String
  let mode: String

  static let selection = "time, market_view, target, model_name, version, mode"

  init(_ prediction: Prediction) {
    (time, view, target) = (prediction.time, prediction.view.description, prediction.target.description)
    (modelName, version, mode) = (prediction.modelName.rawValue, prediction.version, prediction.mode.rawValue)
  }

  /// A row of `selection`.
  init(_ chunk: ResultChunk, _ row: Int) {
    (time, view, target) = (chunk.column(0).time(row), chunk.column(1).text(row), chunk.column(2).text(row))
    (modelName, version) = (chunk.column(3).text(row), chunk.column(4).text(row))
    mode = chunk.column(5).text(row)
  }
}

/// How predictions stand in the table `predictions`.
enum PredictionColumns {
  /// The order of the table.
  static let selection = """
    time, direction, confidence, model_name, probability_up, change_percent, available_at, market_view, target,
    version, mode, state, reason, feature_set_hash, input_hash, latency_ns, current_price, predicted_price,
    predicted_low, predicted_high, features_age_ms, source, arm
    """

  static let order = "ORDER BY time, target, model_name, version, mode"

  static let types: [ChunkAppender.ColumnType] = [
    .instant, .text, .double, .text, .double, .double, .instant, .text, .text, .text, .text, .text, .text, .text,
    .ubigint, .bigint, .double, .double, .double, .double, .bigint, .text, .text,
  ]

  static func append(_ prediction: Prediction, to appender: ChunkAppender) throws(StoreError) {
    appender.set(0, prediction.time)
    if let direction = prediction.direction {
      appender.set(1, text: direction.rawValue)
    } else {
      appender.setNull(1)
    }
    appender.set(2, optional: prediction.confidence)
    appender.set(3, text: prediction.modelName.rawValue)
    appender.set(4, optional: prediction.probabilityUp)
    appender.set(5, optional: prediction.changePercent)
    appender.set(6, prediction.availableAt)
    appender.set(7, text: prediction.view.description)
    appender.set(8, text: prediction.target.description)
    appender.set(9, text: prediction.version)
    appender.set(10, text: prediction.mode.rawValue)
    appender.set(11, text: prediction.state)
    appender.set(12, text: prediction.reason)
    appender.set(13, text: prediction.featureSetHash)
    appender.set(14, prediction.inputHash)
    appender.set(15, prediction.latencyNanoseconds)
    let forecast = prediction.forecast
    appender.set(16, optional: forecast?.current)
    appender.set(17, optional: forecast?.predicted)
    appender.set(18, optional: forecast?.low)
    appender.set(19, optional: forecast?.high)
    appender.set(20, optional: forecast?.inputAgeMilliseconds)
    if let forecast { appender.set(21, text: forecast.source.rawValue) } else { appender.setNull(21) }
    appender.set(22, text: prediction.arm.rawValue)
    try appender.endRow()
  }

  static func predictions(in chunk: ResultChunk, path: String) throws(StoreError) -> [Prediction] {
    let columns = (0..<types.count).map(chunk.column)
    var predictions: [Prediction] = []
    predictions.reserveCapacity(chunk.count)
    for row in 0..<chunk.count {
      guard let prediction = prediction(row, columns) else {
        throw .corrupt(path: path, reason: "a prediction of \(columns[0].time(row)) has names nobody knows")
      }
      predictions.append(prediction)
    }
    return predictions
  }

  /// The direction is not read: it follows from the numbers.
  private static func prediction(_ row: Int, _ columns: [ResultColumn]) -> Prediction? {
    guard let modelName = ModelName(rawValue: columns[3].text(row)), let view = MarketView(columns[7].text(row)),
      let target = PredictionTarget(columns[8].text(row)), let mode = Prediction.Mode(rawValue: columns[10].text(row)),
      let arm = Prediction.Arm(stored: columns[22].optionalText(row))
    else { return nil }
    var forecast: PriceForecast?
    if let text = columns[21].optionalText(row) {
      guard let source = PriceForecast.Source(rawValue: text) else { return nil }
      forecast = PriceForecast(
        current: columns[16].optional(row), predicted: columns[17].optional(row), low: columns[18].optional(row),
        high: columns[19].optional(row), inputAgeMilliseconds: columns[20].optional(row), source: source)
    }
    return Prediction(
      time: columns[0].time(row), availableAt: columns[6].time(row), view: view, target: target,
      probabilityUp: columns[4].optional(row), changePercent: columns[5].optional(row),
      confidence: columns[2].optional(row), modelName: modelName, version: columns[9].text(row),
      featureSetHash: columns[13].text(row), inputHash: columns[14].value(row), state: columns[11].text(row),
      reason: columns[12].text(row), mode: mode, latencyNanoseconds: columns[15].value(row),
      forecast: forecast, arm: arm)
  }

  static func condition(_ filter: PredictionFilter) -> (sql: String, values: [SQLValue]) {
    let names: [(column: String, value: String?)] = [
      ("market_view", filter.view?.description), ("target", filter.target?.description),
      ("model_name", filter.model?.rawValue), ("version", filter.version), ("mode", filter.mode?.rawValue),
    ]
    let wanted = names.compactMap { name in name.value.map { (name.column, $0) } }
    let conditions = ["time >= ?", "time < ?"] + wanted.map { "\($0.0) = ?" } + filter.armCondition
    return (
      conditions.joined(separator: " AND "),
      [.instant(filter.range.lowerBound), .instant(filter.range.upperBound)] + wanted.map { .text($0.1) }
    )
  }
}
