/// Every knob there is, in the order in which `candlecast config` lists them.
package enum KnobTable {
  package static let all: [Knob] =
    common + log + database + backup + server + network + binance + otherVenues + oracle + gaps + link + tape + data
    + ingest
    + features + training + mlp + inference + redis + cloud + forecasting + monitoring + system + schedule + models

  private static let common = [
    Knob(
      "store", .store, "duckdb:feature_store/bitcoin.duckdb", flag: "--store",
      seeds: [.environment("FEATURE_DB_PATH", .prefixed("duckdb:"))], status: .used,
      "Where candles and predictions are: duckdb:PATH, postgres://USER@HOST/DATABASE, or postgres: for what database.* "
        + "says, which also holds when this is not set and database.host is."),
    Knob(
      "models", .path, "models", flag: "--models", status: .used,
      "Folder of versions, registry and journal; or s3://bucket/prefix, which is only read."),
    Knob("market.venue", .venue, "binance", flag: "--venue", status: .used, "Venue that gives the candles."),
    Knob("market.symbol", .symbol, "BTCUSDT", flag: "--symbol", status: .used, "Instrument, as its venue names it."),
    Knob(
      "market.view", .view, nil, flag: "--view", status: .used,
      "Series that gives prices, and + the one that gives volumes; not set: venue:symbol."),
    Knob("market.target", .target, "direction-15m", flag: "--target", status: .used, "What is predicted."),
    Knob(
      "market.symbols", .list, nil, seeds: [.key("symbols")], status: .used,
      "Instruments that a live feed follows, such as BTCUSDT,ETHUSDT,SOLUSDT; not set: market.symbol alone."),
    Knob(
      "market.venues", .list, nil, seeds: [.key("exchanges")], status: .used,
      "Venues that a live feed follows, such as binance,coinbase,bybit; not set: those of the market view."),
    Knob(
      "roles", .list, "ingest,features,predict", flag: "--roles", status: .used,
      "What this process does; roles in other processes are told over what stream.kind says."),
  ]

  private static let log = [
    Knob(
      "log.level", .choice(["debug", "info", "warning", "error"]), "info", flag: "--verbose",
      seeds: [.key("system.logLevel")], status: .used, "What is logged, and everything graver."),
    Knob("log.directory", .path, "logs", status: .used, "Folder of the daily log files."),
    Knob("log.retention_days", .integer(1...3650), "30", unit: "days", status: .used, "How long log files are kept."),
    Knob(
      "log.store", .boolean, "false", status: .used, "A live feed writes its log to the table systemLogs too."),
  ]

  private static let database = [
    Knob("database.host", .text, "localhost", seeds: [.environment("DB_HOST")], status: .used, "PostgreSQL server."),
    Knob(
      "database.port", .integer(1...65_535), "5432", seeds: [.environment("DB_PORT")], status: .used, "PostgreSQL port."
    ),
    Knob("database.name", .text, "candlecast", seeds: [.environment("DB_NAME")], status: .used, "PostgreSQL database."),
    Knob("database.user", .text, "candlecast", seeds: [.environment("DB_USER")], status: .used, "PostgreSQL user."),
    Knob(
      "database.password", .text, nil, seeds: [.environment("DB_PASSWORD")], status: .used, isSecret: true,
      "PostgreSQL password; not set: what PGPASSWORD or ~/.pgpass say."),
    Knob(
      "database.external_port", .integer(1...65_535), nil, seeds: [.environment("DB_EXTERNAL_PORT")], status: .used,
      "Port on which a deployment shows its database to the host, for the address that `candlecast doctor` gives there; "
        + "not set: not shown."),
    Knob("database.pool_size", .integer(3...1000), "4", status: .used, "Most connections at a time."),
    Knob(
      "database.statement_seconds", .integer(0...86_400), "60", unit: "seconds", status: .used,
      "How long PostgreSQL may work on one statement; 0 is for ever."),
    Knob(
      "database.chunk_days", .integer(1...3650), "7", unit: "days", status: .used,
      "Time span of one chunk of a hypertable."),
    Knob(
      "database.partition_days", .integer(1...3650), "28", unit: "days", status: .used,
      "Time span of one partition, where TimescaleDB is not there."),
    Knob(
      "database.compress_after_days", .integer(0...3650), "7", unit: "days", seeds: [.key("data.compressionThreshold")],
      status: .used, "Age at which TimescaleDB compresses chunks; 0: never."),
  ]

  private static let backup = [
    Knob(
      "backup.directory", .path, nil, status: .used,
      "Folder that a live feed puts backups into; not set: backups, beside the store."),
    Knob(
      "backup.every_hours", .integer(0...8760), "6", unit: "hours", status: .used,
      "Time between backups of a live feed; 0 makes none."),
    Knob(
      "backup.keep", .integer(1...100_000), "8", status: .used, "Backups of a live feed that stay; older ones go."),
  ]

  private static let server = [
    Knob(
      "server.api", .boolean, "false", status: .used,
      "What is asked of models (/predict, /v2) is served on server.api_port too, and not on the feed's port alone."),
    Knob(
      "server.api_port", .integer(0...65_535), "8000", status: .used,
      "Port of the models' own API, with server.api; 0 picks a free port."),
    Knob(
      "server.read_token", .text, nil, status: .used, isSecret: true,
      "Secret of 20 bytes or more that other machines send to read; not set: they may not."),
    Knob(
      "server.admin_token", .text, nil, status: .used, isSecret: true,
      "Secret of 20 bytes or more that opens everything, without a limit of rate."),
    Knob(
      "server.trust_loopback", .boolean, "true", status: .used,
      "Who asks from this machine needs no token and has no limit of rate; false behind a proxy on this machine."),
    Knob(
      "server.requests_per_second", .number(0...1_000_000), "50", status: .used,
      "Requests of one client a second; 0 is without a limit."),
    Knob("server.request_burst", .integer(1...1_000_000), "100", status: .used, "Requests of one client at once."),
    Knob(
      "server.cors_origins", .list, nil, status: .used,
      "Origins whose pages may read answers and listen, such as https://example.org; not set: none but our own."),
    Knob(
      "server.tls_certificate", .path, nil, status: .used,
      "Certificate chain as a PEM file, with server.tls_key; not set: no TLS."),
    Knob("server.tls_key", .path, nil, status: .used, "Private key of the certificate as a PEM file."),
    Knob(
      "server.max_header_bytes", .integer(1024...1_048_576), "16384", unit: "bytes", status: .used,
      "Longest head of a request."),
    Knob(
      "server.max_body_bytes", .integer(1024...67_108_864), "1048576", unit: "bytes", status: .used,
      "Longest body of a request."),
    Knob(
      "server.max_connections", .integer(1...1_000_000), "16384", status: .used,
      "Most connections of one port; more are closed at once."),
    Knob(
      "server.request_seconds", .number(0.1...3600), "15", unit: "seconds", status: .used,
      "Longest time from a request's first byte to its last."),
    Knob(
      "server.idle_seconds", .number(0.1...86_400), "75", unit: "seconds", status: .used,
      "Longest silence between two requests, and of a client that does not read."),
    Knob(
      "server.host", .text, "127.0.0.1", status: .used, "Address to listen on; 0.0.0.0 shows it to the network."),
    Knob(
      "server.feeder_port", .integer(0...65_535), "8080", seeds: [.environment("FEEDER_PORT")], status: .used,
      "Health of the live feed; 0 picks a free port."),
    Knob(
      "server.gap_handler_port", .integer(0...65_535), "9000", seeds: [.environment("GAP_HANDLER_PORT")],
      status: .used, "Health of backfilling, and metrics; 0 picks a free port."),
    Knob(
      "server.pgadmin_port", .integer(1...65_535), "5050", seeds: [.environment("PGADMIN_PORT")],
      "pgAdmin of a deployment; 8000 is the API's."),
    Knob(
      "server.pgadmin_password", .text, nil, seeds: [.environment("PGADMIN_PASSWORD")], isSecret: true,
      "First password of pgAdmin."),
  ]

  private static let network = [
    Knob(
      "network.proxy", .text, nil, status: .used,
      "Proxy of requests and WebSockets; not set: what https_proxy and its like say."),
    Knob(
      "network.ca_file", .path, nil, status: .used, "Certificates to trust instead of the system's, as a PEM file."),
  ]

  private static let binance = [
    Knob(
      "binance.stream_url", .list, "wss://stream.binance.com:9443/ws,wss://data-stream.binance.vision/ws",
      seeds: [.environment("BINANCE_STREAM_URL")], status: .used,
      "WebSockets of the venue; the next is tried when one fails."),
    Knob(
      "binance.api_url", .list, "https://api.binance.com,https://api-gcp.binance.com,https://data-api.binance.vision",
      seeds: [.environment("BINANCE_API_URL")], status: .used, "REST of the venue; the next is tried when one fails."),
    Knob(
      "binance.archive_url", .text, "https://data.binance.vision", seeds: [.environment("BINANCE_ARCHIVE_URL")],
      status: .used, "Where the daily and monthly archive files are."),
    Knob(
      "binance.encoding", .choice(["json", "sbe"]), "json", status: .used,
      "Form of the streams; sbe needs an API key and has no candles."),
    Knob(
      "binance.sbe_url", .list, "wss://stream-sbe.binance.com", seeds: [.environment("BINANCE_SBE_STREAM_URL")],
      status: .used, "WebSockets of the binary streams."),
    Knob(
      "binance.api_key", .text, nil, seeds: [.environment("BINANCE_API_KEY")], status: .used, isSecret: true,
      "Ed25519 API key, for the binary streams alone."),
  ]

  /// - Parameter variable: what the names of the variables begin with that `candlecast simulate` prints.
  private static func endpoints(
    _ venue: String, _ variable: String, api: String, stream: String, _ name: String
  ) -> [Knob] {
    [
      Knob(
        "\(venue).api_url", .list, api, seeds: [.environment("\(variable)_API_URL")], status: .used, "REST of \(name)."),
      Knob(
        "\(venue).stream_url", .list, stream, seeds: [.environment("\(variable)_STREAM_URL")], status: .used,
        "WebSockets of \(name)."),
    ]
  }

  private static let otherVenues =
    endpoints(
      "binance_us", "BINANCE_US", api: "https://api.binance.us", stream: "wss://stream.binance.us:9443", "Binance.US")
    + endpoints(
      "coinbase", "COINBASE_EXCHANGE", api: "https://api.exchange.coinbase.com",
      stream: "wss://ws-feed.exchange.coinbase.com", "Coinbase")
    + [
      Knob(
        "coinbase.interface", .choice(["exchange", "advanced"]), "exchange", status: .used,
        "Which of Coinbase's two interfaces the addresses above speak.")
    ]
    + endpoints(
      "bybit", "BYBIT", api: "https://api.bybit.com,https://api.bytick.com", stream: "wss://stream.bybit.com", "Bybit")

  private static let oracle =
    endpoints(
      "chainlink", "CHAINLINK", api: "https://api.dataengine.chain.link", stream: "wss://ws.dataengine.chain.link",
      "Chainlink's Data Streams")
    + [
      Knob(
        "chainlink.source", .choice(["data-streams", "rtds", "polybolt", "on-chain"]), "data-streams", status: .used,
        "Through whom the oracle's prices come."),
      Knob(
        "chainlink.api_key", .text, nil, seeds: [.environment("CHAINLINK_API_KEY")], status: .used, isSecret: true,
        "User of Data Streams."),
      Knob(
        "chainlink.api_secret", .text, nil, seeds: [.environment("CHAINLINK_API_SECRET")], status: .used,
        isSecret: true, "Secret that signs requests to Data Streams."),
      Knob(
        "chainlink.rpc_url", .list, nil, seeds: [.environment("CHAINLINK_RPC_URL")], status: .used,
        "JSON-RPC nodes of a chain, for the source on-chain."),
      Knob(
        "chainlink.chain", .choice(["ethereum", "arbitrum", "polygon"]), "ethereum", status: .used,
        "Chain of those nodes."),
      Knob(
        "chainlink.poll_seconds", .number(1...3600), "60", unit: "seconds", status: .used,
        "Time between requests for the latest price, beside the stream."),
      Knob(
        "polymarket.rtds_url", .list, "wss://ws-live-data.polymarket.com",
        seeds: [.environment("POLYMARKET_RTDS_URL")], status: .used, "Polymarket's older relay."),
      Knob(
        "polymarket.polybolt_url", .list, "wss://ws-live-v2.polymarket.com/ws",
        seeds: [.environment("POLYMARKET_POLYBOLT_URL")], status: .used, "Polymarket's newer relay."),
      Knob("polymarket.api_key", .text, nil, status: .used, isSecret: true, "Key of the newer relay."),
      Knob("polymarket.api_secret", .text, nil, status: .used, isSecret: true, "Secret of the newer relay."),
      Knob("polymarket.passphrase", .text, nil, status: .used, isSecret: true, "Passphrase of the newer relay."),
    ]

  private static let gaps = [
    Knob(
      "gaps.threshold_seconds", .number(1...86_400), "70", unit: "seconds",
      seeds: [.environment("GAP_DETECTION_THRESHOLD")], status: .used,
      "Age of the newest data from which a live feed has a gap."),
    Knob(
      "gaps.alarm_seconds", .number(1...86_400), "60", unit: "seconds", status: .used,
      "Age of the newest data at which a warning is logged."),
    Knob(
      "gaps.max_concurrent_backfills", .integer(1...100), "5", seeds: [.environment("MAX_CONCURRENT_BACKFILLS")],
      status: .used, "Backfills at a time."),
    Knob(
      "gaps.backfill_timeout_seconds", .number(1...86_400), "300", unit: "seconds",
      seeds: [.environment("BACKFILL_TIMEOUT_SECONDS")], status: .used, "Longest time of one backfill."),
    Knob(
      "gaps.backfill_batch_size", .integer(1...100_000), "1000", unit: "candles",
      seeds: [.key("data.backfillBatchSize")], status: .used,
      "Candles asked for at once in a backfill; no more than the venue gives."),
    Knob(
      "gaps.recheck_minutes", .integer(0...1440), "60", unit: "minutes", status: .used,
      "How much before a reconnect is asked for again."),
  ]

  private static let link = [
    Knob(
      "link.silence_seconds", .number(1...3600), "30", unit: "seconds", status: .used,
      "Silence of a connected socket after which a second one is opened."),
    Knob(
      "link.rotation_minutes", .integer(1...1439), "1430", unit: "minutes", status: .used,
      "Age at which a socket is replaced, before the venue cuts it at 24 hours."),
    Knob(
      "link.skew_alarm_milliseconds", .number(1...60_000), "250", unit: "milliseconds", status: .used,
      "Difference of our clock and a venue's from which a warning is given."),
  ]

  private static let tape = [
    Knob("tape.enabled", .boolean, "true", status: .used, "A live service records what it receives."),
    Knob("tape.directory", .path, "feature_store/tape", status: .used, "Folder of the recording."),
    Knob(
      "tape.max_megabytes", .integer(16...100_000_000), "2048", unit: "MB", status: .used,
      "Most that the recording may take; the oldest goes first."),
    Knob(
      "tape.flush_seconds", .number(0.01...60), "1", unit: "seconds", status: .used,
      "Most of a recording that a crash may cost."),
    Knob(
      "tape.market_data", .boolean, "false", status: .used,
      "Trades and quotes are written to the table market_data too."),
  ]

  private static let data = [
    Knob(
      "data.cleanup", .choice(["auto", "on", "off"]), "auto", status: .used,
      "A daily cleanup deletes what is past its retention; auto: in PostgreSQL, not in a file."),
    Knob(
      "data.retention_candles_days", .integer(1...36_500), "396", unit: "days", status: .used,
      "How long candles and an oracle's prices are kept; what is pinned stays."),
    Knob(
      "data.retention_predictions_days", .integer(1...36_500), "92", unit: "days", status: .used,
      "How long live predictions are kept."),
    Knob(
      "data.retention_features_days", .integer(1...36_500), "31", unit: "days", status: .used,
      "How long cached vectors are kept."),
    Knob(
      "data.retention_days", .integer(1...36_500), "30", unit: "days", seeds: [.key("data.retentionDays")],
      status: .used, "How long everything else is kept: trades, quotes, closed quality events, log records."),
    Knob(
      "reports.directory", .path, "reports", seeds: [.environment("BTC_REPORT_DIR")], "Folder of the PDF reports."),
  ]

  private static let ingest = [
    Knob(
      "ingest.config", .path, nil, seeds: [.environment("INGEST_CONFIG")], status: .used,
      "An older JSON file with interval, limit and table; not set: config/bitcoin_ingest.json, if there."),
    Knob(
      "ingest.interval", .choice(["1m"]), "1m", seeds: [.ingestFile("interval")],
      status: .differs("candles are kept by the minute; longer ones are made from those"), "Length of a candle."),
    Knob(
      "ingest.limit", .integer(1...1000), "1000", unit: "candles", seeds: [.ingestFile("limit")], status: .used,
      "Candles a request of `candlecast ingest`."),
    Knob(
      "ingest.batch_candles", .integer(1...10_000), "10", unit: "candles", status: .used,
      "Most candles committed at once under pressure."),
    Knob(
      "ingest.max_wait_seconds", .number(0.001...60), "1", unit: "seconds", status: .used,
      "Longest time that a candle waits for others under pressure."),
    Knob(
      "ingest.queue_candles", .integer(1...1_000_000), "1000", unit: "candles", status: .used,
      "Candles that may wait to be stored; then receiving waits too."),
    Knob(
      "ingest.table", .text, "candles", seeds: [.ingestFile("table")],
      status: .differs("the store names its own tables"), "Table of the candles."),
  ]

  private static func fixed(_ key: String, _ preset: String, _ seed: String, _ column: String, _ summary: String)
    -> Knob
  {
    Knob(
      "features.\(key)", .integer(1...100_000), preset, unit: "minutes", seeds: [.key("features.\(seed)")],
      status: .differs("a feature set is fixed and hashed: \(column) has this value in its definition"), summary)
  }

  private static let features = [
    Knob(
      "features.cache", .choice(["auto", "on", "off"]), "auto", status: .used,
      "A live feed writes its vectors to the table feature_cache at each close; auto: in PostgreSQL, not in a file."),
    fixed("rsi_period", "14", "rsiPeriod", "rsi_14", "Period of the RSI."),
    fixed("macd_fast", "12", "macdFast", "macd", "Fast average of the MACD."),
    fixed("macd_slow", "26", "macdSlow", "macd", "Slow average of the MACD."),
    fixed("macd_signal", "9", "macdSignal", "macd_signal", "Signal average of the MACD."),
    fixed("bollinger_period", "20", "bollingerPeriod", "bb_middle_20", "Period of the Bollinger bands."),
    Knob(
      "features.bollinger_deviations", .number(0.1...10), "2", unit: "standard deviations",
      seeds: [.key("features.bollingerStdDev")],
      status: .differs("a feature set is fixed and hashed: bb_upper_20 has this value in its definition"),
      "Half width of the Bollinger bands."),
    fixed("stochastic_k", "14", "stochasticK", "stoch_k_14", "Period of the stochastic."),
    fixed("stochastic_d", "3", "stochasticD", "stoch_d_3", "Average of the stochastic."),
    fixed("volatility_window", "5", "volatilityWindow", "volatility_5", "Window of the volatility."),
  ]

  private static let training = [
    Knob(
      "training.window_minutes", .integer(1...1_000_000), "600", unit: "minutes", seeds: [.key("training.windowSize")],
      status: .differs("training takes all candles of its range; the network looks back 60 minutes"),
      "Minutes of history of a sample."),
    Knob(
      "training.horizons_minutes", .integers, "5,15,30,60", unit: "minutes", seeds: [.key("training.forecastHorizons")],
      status: .differs("each target is trained by its name: --target direction-5m"), "Horizons trained."),
    Knob(
      "training.validation_split", .number(0...0.9), "0.2", seeds: [.key("training.validationSplit")],
      status: .differs("validation goes forward in time: folds, and the last purged 10 % of each window"),
      "Part of the rows held back."),
    Knob(
      "training.model_types", .list, "xgboost,lstm,ensemble", seeds: [.key("training.modelTypes")],
      status: .differs("a version always holds all models and baselines"), "Models trained."),
    Knob(
      "training.batch_size", .integer(1...1_000_000), nil, unit: "rows", seeds: [.key("training.batchSize")],
      status: .used, "Rows of one step of a network's training; unset: 256."),
    Knob(
      "training.max_epochs", .integer(1...10_000), nil, seeds: [.key("training.maxEpochs")], status: .used,
      "Most passes over the rows; unset: 4, or 20 for move-60s, since more of them learn the noise."),
    Knob(
      "training.early_stopping_patience", .integer(1...10_000), "10", unit: "epochs",
      seeds: [.key("training.earlyStoppingPatience")], status: .used,
      "Epochs without a gain after which training stops."),
    Knob(
      "training.min_tape_hours", .number(0...100_000), "6", unit: "hours", status: .used,
      "Tape with trades under which move-60s is not trained."),
    Knob("training.seed", .integer(0...Int.max), "1", flag: "--seed", status: .used, "Seed of everything random."),
  ]

  private static let fixedNetwork = Knob.Status.differs("the network's inputs are the feature set's columns")

  private static let mlp = [
    Knob(
      "mlp.input_size", .integer(1...100_000), "12", seeds: [.key("model_config.input_size")], status: fixedNetwork,
      "Inputs."),
    Knob(
      "mlp.hidden_layers", .integers, "64,32,16", seeds: [.key("model_config.hidden_layers")],
      status: .differs("the serving kernel is built for d-64-32-16-1"), "Sizes of the hidden layers."),
    Knob(
      "mlp.output_size", .integer(1...1), "1", seeds: [.key("model_config.output_size")],
      status: .differs("the serving kernel is built for d-64-32-16-1"), "Outputs."),
    Knob(
      "mlp.activation", .choice(["ReLU"]), "ReLU", seeds: [.key("model_config.activation")],
      status: .differs("the serving kernel is built for ReLU"), "Activation."),
    Knob(
      "mlp.dropout", .number(0...0.9), "0.2", seeds: [.key("model_config.dropout")], status: .used,
      "Dropout in training."),
    Knob(
      "mlp.batch_norm", .boolean, "true", seeds: [.key("model_config.batch_norm")],
      status: .differs("always on in training and folded into the weights for serving"), "Batch normalisation."),
  ]

  private static let inference = [
    Knob(
      "inference.model_path", .path, nil, seeds: [.environment("MODEL_PATH")],
      status: .differs("pickled models are not read; versions are in `models`, chosen by alias"), "A model file."),
    Knob(
      "inference.model_uri", .text, "models:/bitcoin-model@production", seeds: [.environment("MODEL_URI")],
      status: .used,
      "The versions that answer: models:/bitcoin-model@production (where a target has none in production, the latest, "
        + "marked as not promoted), @candidate or @latest, or models:/bitcoin-model/VERSION for the target of that version."
    ),
    Knob(
      "inference.reload_seconds", .number(0...3600), "1", unit: "seconds", status: .used,
      "Time between looks at the registry for another version to serve; 0: only at the start."),
    Knob(
      "inference.arms", .arms, nil, status: .used,
      "Versions beside the one in production: VERSION: 0.2 serves a fifth of the decisions in its place, VERSION: shadow "
        + "answers all and serves none. Read at the start."),
    Knob(
      "inference.interval_seconds", .partOfMinute, "1.5", unit: "seconds",
      seeds: [.environment("PREDICTION_INTERVAL_SECONDS")], status: .used,
      "Time between predictions of where the price will be in a minute; a part of the minute, as what came true is told by "
        + "the price of the prediction a minute later."),
    Knob(
      "inference.max_feature_age_seconds", .number(0.1...86_400), "5", unit: "seconds",
      seeds: [.environment("MAX_FEATURE_AGE_MS", .scaled(0.001))], status: .used,
      "Age of the newest trade or quote at which requests take the place of the stream."),
    Knob(
      "inference.max_prediction_age_seconds", .number(1...86_400), "300", unit: "seconds",
      seeds: [.key("inference.maxPredictionAge")], status: .used,
      "Age at which a prediction is no longer given as current."),
    Knob(
      "inference.confidence_threshold", .number(0...1), "0.6", unit: "probability",
      seeds: [.key("inference.confidenceThreshold", .scaled(0.01))], status: .used,
      "Confidence from which a prediction is marked as one to act on; none is hidden."),
    Knob(
      "inference.ensemble_weights", .weights, nil, seeds: [.key("inference.ensembleWeights")],
      status: .differs("weights are fitted on earlier folds and stored in the version"), "Weights of the vote."),
    Knob(
      "inference.prediction_cache", .boolean, "true", seeds: [.key("inference.predictionCache")], status: .used,
      "/v1/predictions/latest tells what is at hand since the start; false: each request reads what is stored."),
    Knob(
      "inference.max_concurrent_predictions", .integer(1...10_000), "10",
      seeds: [.environment("MAX_CONCURRENT_PREDICTIONS")], status: .used,
      "Requests for a prediction to be computed again and explained, the one that is worked on and those that wait; more "
        + "are told to come again."),
    Knob(
      "inference.feature_cache_size", .integer(1...1_000_000), "100", unit: "vectors",
      seeds: [.environment("FEATURE_CACHE_SIZE")], status: .used,
      "Newest feature vectors that /v1/features?recent= has at hand."),
    Knob(
      "inference.batch_size", .integer(1...10_000), "1", unit: "rows", seeds: [.environment("MODEL_BATCH_SIZE")],
      status: .differs("a decision is one row; there is nothing to batch"), "Rows given to the model at once."),
  ]

  private static let redis = [
    Knob("redis.host", .text, "localhost", seeds: [.environment("REDIS_HOST")], status: .used, "Redis server."),
    Knob("redis.port", .integer(1...65_535), "6379", seeds: [.environment("REDIS_PORT")], status: .used, "Redis port."),
    Knob("redis.user", .text, nil, status: .used, "Redis user; not set: the default one."),
    Knob(
      "redis.password", .text, nil, seeds: [.environment("REDIS_PASSWORD")], status: .used, isSecret: true,
      "Redis password."),
    Knob(
      "redis.cache", .boolean, "true", status: .used,
      "The newest features and predictions are kept in Redis too, where roles are in processes of their own; with "
        + "stream.kind kinesis only where this is set."),
    Knob("redis.database", .integer(0...1_000_000), "0", status: .used, "Number of the Redis database."),
    Knob(
      "redis.features_key_prefix", .text, "features", seeds: [.environment("REDIS_FEATURES_KEY_PREFIX")],
      status: .used,
      "Beginning of the keys of vectors."),
    Knob(
      "redis.prediction_key", .text, "prediction:BTCUSDT:latest", seeds: [.environment("REDIS_PREDICTION_KEY")],
      status: .used,
      "Key of the latest prediction."),
    Knob(
      "stream.kind", .choice(["redis", "kinesis"]), "redis", status: .used,
      "What carries events between roles in processes of their own."),
    Knob("stream.name", .text, "candlecast", status: .used, "Beginning of the names of the streams between roles."),
    Knob(
      "stream.member", .text, nil, status: .used,
      "Name of this process among those that play the same role; not set: the role's."),
  ]

  private static let cloud = [
    Knob(
      "aws.region", .text, nil, seeds: [.environment("AWS_REGION")], status: .used,
      "Region of S3 and other services; not set: what AWS's own files say."),
    Knob(
      "aws.profile", .text, nil, seeds: [.environment("AWS_PROFILE")], status: .used,
      "Section of ~/.aws/credentials and ~/.aws/config; not set: default."),
    Knob(
      "aws.endpoint_url", .text, nil, seeds: [.environment("AWS_ENDPOINT_URL")], status: .used,
      "Address of a server that speaks like AWS, such as http://127.0.0.1:9000; not set: AWS's own."),
    Knob(
      "aws.cloudwatch", .choice(["off", "requests", "log"]), "off", status: .used,
      "How a live feed tells CloudWatch how it stands: by requests, or by lines on standard output for an agent."),
    Knob("aws.cloudwatch_namespace", .text, "Candlecast", status: .used, "Namespace of these metrics."),
    Knob(
      "aws.cloudwatch_seconds", .number(0.1...3600), "60", unit: "seconds", status: .used,
      "Time between two reports to CloudWatch."),
    Knob(
      "archive.url", .text, nil, flag: "--to-url", status: .used,
      "Where `candlecast archive` writes: s3://bucket/prefix or a folder."),
    Knob(
      "archive.codec", .choice(["deflate", "zstandard", "null"]), "deflate", status: .used,
      "Compression of archived files; every reader of Avro knows deflate."),
  ]

  private static let forecasting = [
    Knob(
      "forecasting.horizons_minutes", .integers, "5,15,30,60,240,1440", unit: "minutes",
      seeds: [.key("forecasting.horizons")], "Horizons forecast."),
    Knob(
      "forecasting.update_seconds", .number(1...86_400), "60", unit: "seconds",
      seeds: [.key("forecasting.updateFrequency")], "Time between forecasts."),
    Knob(
      "forecasting.confidence_decay", .number(0...1), "0.95", unit: "per minute",
      seeds: [.key("forecasting.confidenceDecay")], status: .used,
      "What is left of a forecast's confidence after a minute."),
    Knob(
      "forecasting.regimes", .list, "trending,ranging,volatile", seeds: [.key("forecasting.marketRegimes")],
      "Market regimes told apart."),
  ]

  private static let monitoring = [
    Knob(
      "monitoring.completeness_threshold", .number(0...1), "0.95", unit: "fraction",
      seeds: [.key("monitoring.completenessThreshold")], status: .used,
      "Fewest candles of those due."),
    Knob(
      "monitoring.missing_data_threshold", .number(0...1), "0.1", unit: "fraction",
      seeds: [.key("monitoring.alertThresholds.missingData")], status: .used,
      "Most candles absent without an alert."),
    Knob(
      "monitoring.stale_data_seconds", .number(1...86_400), "300", unit: "seconds",
      seeds: [.key("monitoring.alertThresholds.staleData")], status: .used,
      "Age of the newest candle that alerts."),
    Knob(
      "monitoring.invalid_values_threshold", .number(0...1), "0.05", unit: "fraction",
      seeds: [.key("monitoring.alertThresholds.invalidValues")], status: .used,
      "Most bad values without an alert."),
    Knob(
      "monitoring.window_minutes", .integer(1...1440), "60", unit: "minutes", status: .used,
      "Minutes that completeness, missing and invalid values are judged over."),
    Knob(
      "monitoring.check_seconds", .number(1...86_400), "60", unit: "seconds", seeds: [.key("monitoring.checkInterval")],
      status: .used,
      "Time between checks."),
  ]

  private static let system = [
    Knob(
      "system.environment", .choice(["development", "production"]), "development", seeds: [.key("system.environment")],
      "Kind of deployment."),
    Knob(
      "system.enable_recovery", .boolean, "true", seeds: [.key("system.enableRecovery")], status: .used,
      "A start fetches what was missed while nothing ran; otherwise that is on record as lost."),
    Knob(
      "system.max_concurrent_workers", .integer(1...1024), "4", seeds: [.key("system.maxConcurrentWorkers")],
      "Workers at a time."),
  ]

  private static let schedule = [
    Knob(
      "schedule.retrain", .boolean, "false", status: .used,
      "A live feed trains anew each day and registers what comes of it; `models promote` stays yours."),
    Knob(
      "schedule.retrain_at", .timeOfDay, "02:00", unit: "UTC", status: .used,
      "Daily training; it waits for the cleanup."),
    Knob(
      "schedule.cleanup_at", .timeOfDay, "02:00", unit: "UTC", status: .used,
      "Daily deletion of what is past its retention."),
    Knob(
      "schedule.accuracy_at", .timeOfDay, "03:00", unit: "UTC", status: .used,
      "Daily comparison of predictions with outcomes."),
    Knob(
      "schedule.parity_at", .timeOfDay, "03:30", unit: "UTC", status: .used,
      "Daily, a part of what was predicted live is computed again from the store; every bit must be the same."),
    Knob(
      "schedule.parity_share", .number(0...1), "0.01", status: .used,
      "How much of the last day's predictions that is; 0 turns it off."),
    Knob("schedule.pool_size", .integer(1...1024), "2", status: .used, "Scheduled jobs at a time."),
  ]

  private static let models = [
    Knob("mlflow.tracking_uri", .text, nil, seeds: [.environment("MLFLOW_TRACKING_URI")], "MLflow server of runs."),
    Knob("mlflow.registry_uri", .text, nil, seeds: [.environment("MLFLOW_REGISTRY_URI")], "MLflow server of models."),
  ]
}
