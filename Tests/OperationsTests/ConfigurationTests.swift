import FoundationEssentials
import Market
import Operations
import Testing

struct ConfigurationTests {
  private func configuration(
    yaml: String? = nil, ingest: String? = nil, environment: [String: String] = [:], flags: [Configuration.Flag] = []
  ) throws(ConfigurationError) -> Configuration {
    try Configuration(
      Configuration.Input(
        ingestFile: ingest.map { Configuration.TextFile(path: "config/bitcoin_ingest.json", text: $0) },
        file: yaml.map { Configuration.TextFile(path: "candlecast.yaml", text: $0) }, environment: environment,
        flags: flags))
  }

  @Test func `every default is a value of its kind`() throws {
    let defaults = try configuration()
    for entry in defaults.entries {
      #expect((entry.value == nil) == (entry.knob.preset == nil), "\(entry.knob.key)")
      #expect(entry.source == .preset)
    }
  }

  @Test func `no two knobs share a name`() {
    var names: [String: String] = [:]
    for knob in KnobTable.all {
      for name in [knob.key, knob.environmentName] + knob.seedNames.map(\.name)
      where name != knob.key || names[name] == nil {
        #expect(names[name] == nil || names[name] == knob.key, "\(name) is of \(names[name] ?? "") and of \(knob.key)")
        names[name] = knob.key
      }
    }
  }

  /// The environment variables that the united systems used, with a value as they wrote it and as it reads here.
  @Test(arguments: [
    ("DB_EXTERNAL_PORT", "15432", "database.external_port", "15432"),
    ("DB_HOST", "timescaledb", "database.host", "timescaledb"), ("DB_PORT", "5433", "database.port", "5433"),
    ("DB_NAME", "btc_ml_production", "database.name", "btc_ml_production"),
    ("DB_USER", "mltrader", "database.user", "mltrader"), ("DB_PASSWORD", "hush", "database.password", "hush"),
    ("BINANCE_STREAM_URL", "wss://a:9443/ws", "binance.stream_url", "wss://a:9443/ws"),
    ("BINANCE_API_URL", "https://a", "binance.api_url", "https://a"),
    ("FEEDER_PORT", "8081", "server.feeder_port", "8081"),
    ("GAP_HANDLER_PORT", "9001", "server.gap_handler_port", "9001"),
    ("PGADMIN_PORT", "8002", "server.pgadmin_port", "8002"),
    ("PGADMIN_PASSWORD", "hush", "server.pgadmin_password", "hush"),
    ("GAP_DETECTION_THRESHOLD", "65", "gaps.threshold_seconds", "65"),
    ("MAX_CONCURRENT_BACKFILLS", "3", "gaps.max_concurrent_backfills", "3"),
    ("BACKFILL_TIMEOUT_SECONDS", "200", "gaps.backfill_timeout_seconds", "200"),
    ("MODEL_PATH", "/app/models/a.pkl", "inference.model_path", "/app/models/a.pkl"),
    ("PREDICTION_INTERVAL_SECONDS", "2.5", "inference.interval_seconds", "2.5"),
    ("MAX_FEATURE_AGE_MS", "4500", "inference.max_feature_age_seconds", "4.5"),
    ("REDIS_HOST", "cache", "redis.host", "cache"),
    ("REDIS_FEATURES_KEY_PREFIX", "f", "redis.features_key_prefix", "f"),
    ("REDIS_PREDICTION_KEY", "p", "redis.prediction_key", "p"),
    ("MAX_CONCURRENT_PREDICTIONS", "11", "inference.max_concurrent_predictions", "11"),
    ("FEATURE_CACHE_SIZE", "99", "inference.feature_cache_size", "99"),
    ("MODEL_BATCH_SIZE", "2", "inference.batch_size", "2"), ("INGEST_CONFIG", "a.json", "ingest.config", "a.json"),
    ("FEATURE_DB_PATH", "a/b.duckdb", "store", "duckdb:a/b.duckdb"),
    ("BTC_REPORT_DIR", "out", "reports.directory", "out"),
    ("MLFLOW_TRACKING_URI", "http://t", "mlflow.tracking_uri", "http://t"),
    ("MLFLOW_REGISTRY_URI", "http://r", "mlflow.registry_uri", "http://r"),
    ("MODEL_URI", "models:/bitcoin-model@latest", "inference.model_uri", "models:/bitcoin-model@latest"),
  ])
  func `knows the environment variables of the united systems`(name: String, text: String, key: String, value: String)
    throws
  {
    let configuration = try configuration(environment: [name: text])
    #expect(configuration.text(key) == value)
    #expect(configuration.entries.first { $0.knob.key == key }?.source == .environment(name: name))
  }

  /// The keys of the united systems' configuration files.
  @Test(arguments: [
    ("features", "rsiPeriod", "15", "features.rsi_period", "15"),
    ("features", "macdFast", "13", "features.macd_fast", "13"),
    ("features", "macdSlow", "27", "features.macd_slow", "27"),
    ("features", "macdSignal", "8", "features.macd_signal", "8"),
    ("features", "bollingerPeriod", "21", "features.bollinger_period", "21"),
    ("features", "bollingerStdDev", "2.5", "features.bollinger_deviations", "2.5"),
    ("features", "stochasticK", "15", "features.stochastic_k", "15"),
    ("features", "stochasticD", "4", "features.stochastic_d", "4"),
    ("features", "volatilityWindow", "6", "features.volatility_window", "6"),
    ("training", "windowSize", "500", "training.window_minutes", "500"),
    ("training", "forecastHorizons", "[5, 15]", "training.horizons_minutes", "5,15"),
    ("training", "validationSplit", "0.3", "training.validation_split", "0.3"),
    ("training", "modelTypes", "[xgboost]", "training.model_types", "xgboost"),
    ("training", "batchSize", "500", "training.batch_size", "500"),
    ("training", "maxEpochs", "50", "training.max_epochs", "50"),
    ("training", "earlyStoppingPatience", "5", "training.early_stopping_patience", "5"),
    ("inference", "confidenceThreshold", "65", "inference.confidence_threshold", "0.65"),
    ("inference", "ensembleWeights", "{ModelA: 1, ModelB: 2}", "inference.ensemble_weights", "ModelA=1,ModelB=2"),
    ("inference", "predictionCache", "false", "inference.prediction_cache", "false"),
    ("inference", "maxPredictionAge", "200", "inference.max_prediction_age_seconds", "200"),
    ("forecasting", "horizons", "[5]", "forecasting.horizons_minutes", "5"),
    ("forecasting", "updateFrequency", "30", "forecasting.update_seconds", "30"),
    ("forecasting", "confidenceDecay", "0.9", "forecasting.confidence_decay", "0.9"),
    ("forecasting", "marketRegimes", "[quiet]", "forecasting.regimes", "quiet"),
    ("monitoring", "completenessThreshold", "0.9", "monitoring.completeness_threshold", "0.9"),
    ("monitoring", "alertThresholds", "{missingData: 0.2}", "monitoring.missing_data_threshold", "0.2"),
    ("monitoring", "alertThresholds", "{staleData: 200}", "monitoring.stale_data_seconds", "200"),
    ("monitoring", "alertThresholds", "{invalidValues: 0.1}", "monitoring.invalid_values_threshold", "0.1"),
    ("monitoring", "checkInterval", "30", "monitoring.check_seconds", "30"),
    ("system", "environment", "production", "system.environment", "production"),
    ("system", "logLevel", "warning", "log.level", "warning"),
    ("system", "enableRecovery", "false", "system.enable_recovery", "false"),
    ("system", "maxConcurrentWorkers", "2", "system.max_concurrent_workers", "2"),
    ("data", "retentionDays", "20", "data.retention_days", "20"),
    ("data", "compressionThreshold", "5", "database.compress_after_days", "5"),
    ("data", "backfillBatchSize", "100", "gaps.backfill_batch_size", "100"),
    ("model_config", "input_size", "13", "mlp.input_size", "13"),
    ("model_config", "hidden_layers", "[32, 16]", "mlp.hidden_layers", "32,16"),
    ("model_config", "output_size", "1", "mlp.output_size", "1"),
    ("model_config", "activation", "ReLU", "mlp.activation", "ReLU"),
    ("model_config", "dropout", "0.1", "mlp.dropout", "0.1"),
    ("model_config", "batch_norm", "true", "mlp.batch_norm", "true"),
  ])
  func `knows the keys of the united systems`(
    section: String, name: String, text: String, key: String, value: String
  ) throws {
    let configuration = try configuration(yaml: "\(section):\n  \(name): \(text)\n")
    #expect(configuration.text(key) == value)
    #expect(configuration.entries.first { $0.knob.key == key }?.source == .file(path: "candlecast.yaml", line: 2))
  }

  @Test func `knows symbols and exchanges at the top`() throws {
    let configuration = try configuration(yaml: "symbols: [BTCUSDT, ETHUSDT]\nexchanges: [bybit]\n")
    #expect(configuration.text("market.symbols") == "BTCUSDT,ETHUSDT")
    #expect(configuration.text("market.venues") == "bybit")
  }

  @Test(arguments: [
    "training.batch_size", "schedule.pool_size", "database.pool_size", "database.chunk_days", "database.password",
  ])
  func `what was named without a name has a key`(key: String) {
    #expect(KnobTable.all.contains { $0.key == key })
  }

  @Test func `reads the older ingest file`() throws {
    let configuration = try configuration(ingest: #"{"interval": "1m", "limit": 500, "table": "bitcoin"}"#)
    #expect(configuration.integer("ingest.limit") == 500)
    #expect(configuration.text("ingest.table") == "bitcoin")
  }

  @Test func `flags win over the environment, that over the file, that over the defaults`() throws {
    let flag = Configuration.Flag(key: "models", name: "--models", text: "from-flag")
    let environment = ["CANDLECAST_MODELS": "from-environment"]
    let yaml = "models: from-file\n"
    #expect(try configuration().text("models") == "models")
    #expect(try configuration(yaml: yaml).text("models") == "from-file")
    #expect(try configuration(yaml: yaml, environment: environment).text("models") == "from-environment")
    #expect(try configuration(yaml: yaml, environment: environment, flags: [flag]).text("models") == "from-flag")
  }

  @Test func `our own variable wins over an older name, and an empty one is not set`() throws {
    let both = ["DB_HOST": "older", "CANDLECAST_DATABASE_HOST": "ours"]
    #expect(try configuration(environment: both).text("database.host") == "ours")
    #expect(try configuration(environment: ["DB_EXTERNAL_PORT": ""]).integer("database.external_port") == nil)
  }

  @Test func `an unknown key names the line and the key that was meant`() {
    let expected = ConfigurationError.unknownKey(
      path: "candlecast.yaml", line: 2, key: "log.retension_days", suggestion: "log.retention_days")
    #expect(throws: expected) { try configuration(yaml: "log:\n  retension_days: 3\n") }
    #expect(throws: ConfigurationError.self) { try configuration(ingest: #"{"intervall": "1m"}"#) }
  }

  @Test(arguments: [
    "log:\n  retention_days: soon\n", "log:\n  retention_days: 0\n", "log:\n  level: loud\n", "store: postgres:x\n",
    "store: [a, [b]]\n", "market:\n  target: direction-7m\n", "log: loud\n", "schedule:\n  retrain_at: 2am\n",
    "inference:\n  ensemble_weights: {ModelA: x}\n", "inference:\n  arms: {v1: 0}\n", "inference:\n  arms: {v1: 1.1}\n",
    "inference:\n  interval_seconds: 7\n", "inference:\n  interval_seconds: 0.05\n",
    "inference:\n  interval_seconds: 120\n", "inference:\n  interval_seconds: nan\n",
    "inference:\n  arms: {v1: light}\n", "inference:\n  arms: [v1]\n", "inference:\n  arms: {v1: nan}\n",
  ])
  func `a value of another kind or out of range is refused`(yaml: String) {
    #expect(throws: ConfigurationError.self) { try configuration(yaml: yaml) }
  }

  @Test(arguments: ["0.1", "0.15", "1.2", "1.875", "7.5", "60"])
  func `predictions come at parts of a minute`(seconds: String) throws {
    let configuration = try configuration(yaml: "inference:\n  interval_seconds: \(seconds)\n")
    #expect(configuration.number("inference.interval_seconds") == Double(seconds))
  }

  @Test func `arms have a share each, or are shadows`() throws {
    let written = try configuration(yaml: "inference:\n  arms:\n    20240301-1: 0.2\n    20240302-1: shadow\n")
    #expect(written["inference.arms"] == .list(["20240301-1=0.2", "20240302-1=shadow"]))
    let variable = try configuration(environment: ["CANDLECAST_INFERENCE_ARMS": "20240301-1=1"])
    #expect(variable["inference.arms"] == .list(["20240301-1=1"]))
  }

  @Test func `two services on one port are refused, two jobs in one minute are not`() throws {
    #expect(
      throws: ConfigurationError.clash(first: "server.api_port", second: "server.pgadmin_port", value: "8000")
    ) { try configuration(environment: ["PGADMIN_PORT": "8000"]) }
    let shared = try configuration(yaml: "schedule: {cleanup_at: \"03:00\", accuracy_at: \"03:00\"}\n")
    #expect(shared.text("schedule.cleanup_at") == "03:00")
  }

  @Test func `the one port that is named may be the gap handler's, which listens only if it is named too`() throws {
    func configuration(_ name: String, _ environment: [String: String] = [:]) throws -> Configuration {
      let flag = Configuration.Flag(key: "server.feeder_port", name: name, text: "9000")
      return try Configuration(.init(environment: environment, flags: [flag]))
    }
    #expect(try !configuration("--port").hasGapHandlerPort)
    #expect(try configuration("--port", ["GAP_HANDLER_PORT": "9001"]).hasGapHandlerPort)
    let clash = ConfigurationError.clash(first: "server.feeder_port", second: "server.gap_handler_port", value: "9000")
    #expect(throws: clash) { try configuration("--feeder-port") }
    #expect(throws: clash) { try configuration("--port", ["GAP_HANDLER_PORT": "9000"]) }
    #expect(try Configuration().hasGapHandlerPort)
  }

  @Test func `knobs can be set over all sources`() throws {
    let set = try Configuration(.init(environment: ["CANDLECAST_MARKET_VENUE": "bybit"]))
      .setting([.init(key: "market.venue", name: "--demo", text: "sim-bybit")])
    #expect(set.text("market.venue") == "sim-bybit" && set.isSet("market.venue"))
    #expect(throws: ConfigurationError.self) { try set.setting([.init(key: "market.venue", name: "x", text: "?!")]) }
  }

  @Test func `a secret is neither shown nor told in an error`() throws {
    let configuration = try configuration(environment: ["DB_PASSWORD": "correct horse"])
    let entry = try #require(configuration.entries.first { $0.knob.key == "database.password" })
    #expect(entry.shown == Secret.mask)
  }

  @Test func `a knob that is set without effect is noticed`() throws {
    let notices = try configuration(yaml: "features: {rsi_period: 21}\nforecasting: {update_seconds: 30}\n").notices
    #expect(notices.count == 2)
    #expect(notices.first?.contains("rsi_14") == true)
    #expect(try configuration(yaml: "features: {rsi_period: 14}\nlog: {level: debug}\n").notices.isEmpty)
  }

  /// A value that is not the preset; `nil` where there is none.
  private static func another(than knob: Knob) -> String? {
    let candidates =
      switch knob.kind {
      case .integer(let range): ["\(range.lowerBound)", "\(range.upperBound)"]
      case .number(let range): ["\(range.lowerBound)", "\(range.upperBound)"]
      case .boolean: ["true", "false"]
      case .integers: ["3,4"]
      case .weights: ["xgboost=1"]
      case .choice(let choices): choices
      default: ["other"]
      }
    return candidates.first { $0 != knob.preset }
  }

  @Test func `every knob that is otherwise here is noticed when it is set, with what is instead`() throws {
    let knobs = KnobTable.all.compactMap { knob in
      if case .differs(let what) = knob.status { (knob, what) } else { nil }
    }
    #expect(knobs.count > 15)
    for (knob, what) in knobs {
      guard let text = Self.another(than: knob) else { continue }
      let name = knob.environmentName
      let notices = try configuration(environment: [name: text]).notices
      #expect(notices == ["\(knob.key) ($\(name)) changes nothing: \(what)"])
    }
  }

  @Test func `the example file is the table and reads as the defaults`() throws {
    let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "candlecast.yaml.example")
    let text = String(decoding: try Data(contentsOf: path), as: UTF8.self)
    #expect(text == ConfigurationExample.text, "candlecast config --example > candlecast.yaml.example")
    let read = try configuration(yaml: text)
    for (entry, preset) in zip(read.entries, try configuration().entries) { #expect(entry.value == preset.value) }
  }
}
