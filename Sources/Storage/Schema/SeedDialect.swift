/// What the views of both databases say alike, in the words of one of them.
enum SeedDialect {
  case duckDB, postgres

  /// A column as a decimal; a number that the type cannot hold is not shown.
  func decimal(_ column: String, _ digits: Int, _ places: Int) -> String {
    let type = "DECIMAL(\(digits),\(places))"
    let when = "CASE WHEN abs(\(column)) < 1e\(digits - places) THEN \(column)"
    return switch self {
    case .duckDB: "\(when)::\(type) END"
    case .postgres: "(\(when) END)::\(type)"
    }
  }

  /// An instant as a time without a zone.
  func utc(_ time: String) -> String {
    switch self {
    case .duckDB: "timezone('UTC', \(time))"
    case .postgres: "(\(time) AT TIME ZONE 'UTC')"
    }
  }

  /// The function that makes an object of names and values.
  private var object: String {
    switch self {
    case .duckDB: "json_object"
    case .postgres: "jsonb_build_object"
    }
  }

  // MARK: Parts of views

  /// Of `rollingChartData`: the indicators of a row `i`, and whether all are there.
  var chartIndicators: String {
    """
    \(decimal("i.rsi", 10, 4)) AS rsi,
        \(decimal("i.macd", 15, 8)) AS macd,
        \(decimal("i.bollinger_upper", 20, 8)) AS bollinger_upper,
        \(decimal("i.bollinger_lower", 20, 8)) AS bollinger_lower,
        \(decimal("i.stochastic_k", 10, 4)) AS stochastic_k,
        \(decimal("i.stochastic_d", 10, 4)) AS stochastic_d,
        \(decimal("i.volatility", 10, 6)) AS volatility,
        i.rsi IS NOT NULL AND i.macd IS NOT NULL AND i.bollinger_upper IS NOT NULL AND i.bollinger_lower IS NOT NULL
          AND i.stochastic_k IS NOT NULL AND i.stochastic_d IS NOT NULL AND i.volatility IS NOT NULL AS is_complete
    """
  }

  /// Of `mlTrainingSamples`: what the price did after a vector, in percent.
  var sampleTarget: String { decimal("((later.close / now.close - 1) * 100)", 10, 6) + " AS target" }

  /// Of `mlTrainingBatches`: the kind of a model, of a row `t`.
  static let modelType = """
    CASE t.model_name WHEN 'ModelA' THEN 'xgboost' WHEN 'ModelB' THEN 'lstm' WHEN 'ModelC' THEN 'lstm-xgboost'
          WHEN 'MLP' THEN 'mlp' ELSE 'ensemble' END
    """

  /// Of `mlTrainingBatches`: the numbers of a row `t`.
  var batchNumbers: String {
    """
    t.row_count::INTEGER AS training_samples, coalesce(t.validation_row_count, 0)::INTEGER AS validation_samples,
        \(decimal("t.rmse", 10, 6)) AS rmse,
        \(decimal("t.mae", 10, 6)) AS mae,
        t.accuracy::DECIMAL(5,4) AS accuracy
    """
  }

  /// Whether what a row `o` came to is up, for a row `p`; a move is up if it is not down.
  static let outcomeUp = """
    CASE WHEN p.target NOT LIKE 'move-%' THEN o.outcome WHEN o.outcome < 0 THEN 0 ELSE 1 END
    """

  /// Of `persistentForecasts`: what a row `p` said, and what came true as a row `o` has it.
  var forecastValues: String {
    """
    (p.confidence * 100)::DECIMAL(5,2) AS confidence,
        \(decimal("coalesce(p.probability_up, p.change_percent)", 15, 8)) AS predicted_value,
        \(decimal("o.outcome", 15, 8)) AS actual_value
    """
  }

  /// Of `recoveryState`: where the ledger, trainings and jobs stand.
  var recoveryStates: String {
    """
    SELECT 'chart_building' AS service_name,
          venue || ':' || symbol || '/' || kind || '/' || range_from AS operation_id,
          \(object)('from', range_from, 'to', range_to, 'state', state, 'detail', detail) AS state_data,
          CASE state WHEN 'missing' THEN 'intermediate' WHEN 'lost' THEN 'error' ELSE 'success' END AS checkpoint_type,
          \(utc("since")) AS created_at
        FROM gap_ledger
        UNION ALL
        SELECT 'ml_training', version || '/' || model_name,
          \(object)('market_view', market_view, 'target', target, 'rows', row_count, 'verdict', verdict),
          'success', \(utc("trained_at"))
        FROM training_metadata
        UNION ALL
        SELECT 'scheduler', key, \(object)('last_run', value), 'success', \(utc("value::TIMESTAMPTZ"))
        FROM store_meta WHERE key LIKE 'schedule.%'
    """
  }
}
