/// A table whose columns one of the united systems' documents prints, with the types as printed.
struct SeedTable: Sendable {
  let name: String
  let columns: [(name: String, type: String)]

  private init(_ name: String, _ columns: String) {
    self.name = name
    self.columns = columns.split(separator: "\n").map { line in
      let parts = line.split(separator: " ", maxSplits: 1)
      return (String(parts[0]), String(parts[1]))
    }
  }

  static let all = [
    SeedTable(
      "rollingChartData",
      """
      id SERIAL
      symbol VARCHAR(20)
      timestamp TIMESTAMP
      open DECIMAL(20,8)
      high DECIMAL(20,8)
      low DECIMAL(20,8)
      close DECIMAL(20,8)
      volume DECIMAL(20,8)
      rsi DECIMAL(10,4)
      macd DECIMAL(15,8)
      bollinger_upper DECIMAL(20,8)
      bollinger_lower DECIMAL(20,8)
      stochastic_k DECIMAL(10,4)
      stochastic_d DECIMAL(10,4)
      volatility DECIMAL(10,6)
      is_complete BOOLEAN
      created_at TIMESTAMP
      """),
    SeedTable(
      "mlTrainingSamples",
      """
      id SERIAL
      symbol VARCHAR(20)
      features JSONB
      target DECIMAL(10,6)
      forecast_horizon INTEGER
      created_at TIMESTAMP
      metadata JSONB
      """),
    SeedTable(
      "mlTrainingBatches",
      """
      id SERIAL
      batch_id VARCHAR(50)
      symbol VARCHAR(20)
      model_type VARCHAR(30)
      training_samples INTEGER
      validation_samples INTEGER
      rmse DECIMAL(10,6)
      mae DECIMAL(10,6)
      accuracy DECIMAL(5,4)
      model_path VARCHAR(255)
      is_production BOOLEAN
      created_at TIMESTAMP
      """),
    SeedTable(
      "persistentForecasts",
      """
      id SERIAL
      symbol VARCHAR(20)
      forecast_type VARCHAR(30)
      confidence DECIMAL(5,2)
      predicted_value DECIMAL(15,8)
      actual_value DECIMAL(15,8)
      forecast_horizon INTEGER
      model_version VARCHAR(50)
      created_at TIMESTAMP
      expires_at TIMESTAMP
      """),
    SeedTable(
      "tradeSimulations",
      """
      id SERIAL
      symbol VARCHAR(20)
      signal_type VARCHAR(10)
      entry_price DECIMAL(20,8)
      tp_price DECIMAL(20,8)
      sl_price DECIMAL(20,8)
      current_price DECIMAL(20,8)
      confidence INTEGER
      profit_likelihood INTEGER
      real_time_pnl DECIMAL(10,4)
      highest_profit DECIMAL(10,4)
      lowest_loss DECIMAL(10,4)
      profitable_minutes INTEGER
      total_minutes INTEGER
      is_active BOOLEAN
      created_at TIMESTAMP
      completed_at TIMESTAMP
      """),
    SeedTable(
      "systemLogs",
      """
      id SERIAL
      category VARCHAR(50)
      subcategory VARCHAR(50)
      level VARCHAR(10)
      message TEXT
      context JSONB
      symbol VARCHAR(20)
      timestamp TIMESTAMP
      stack_trace TEXT
      """),
    SeedTable(
      "recoveryState",
      """
      id SERIAL
      service_name VARCHAR(50)
      operation_id VARCHAR(100)
      state_data JSONB
      checkpoint_type VARCHAR(30)
      created_at TIMESTAMP
      """),
    SeedTable(
      "market_data",
      """
      id BIGSERIAL
      symbol VARCHAR(20)
      timestamp BIGINT
      price DECIMAL(20,8)
      volume DECIMAL(20,8)
      bid_price DECIMAL(20,8)
      ask_price DECIMAL(20,8)
      source VARCHAR(10)
      data_type VARCHAR(20)
      created_at TIMESTAMP
      """),
  ]

  /// Tables that are named without their columns.
  static let named = [
    "ohlcv_raw", "ohlcv_15m", "technical_indicators", "predictions", "training_metadata", "model_registry",
    "candles_1m", "feature_cache", "data_quality_logs", "ensemble_models",
  ]

  /// What nothing writes yet.
  static let withoutWriter: Set = ["ensemble_models", "tradeSimulations"]
}
