import Ingestion
import Market
import Operations
import Tape
import Transport

extension Configuration {
  /// Empty if not set.
  func list(_ key: String) -> [String] {
    if case .list(let items)? = self[key] { items } else { [] }
  }
}

extension LiveThresholds {
  init(_ configuration: Configuration) {
    self.init()
    func number(_ key: String, _ value: inout Double) { value = configuration.number(key) ?? value }
    func integer(_ key: String, _ value: inout Int) { value = configuration.integer(key) ?? value }
    number("gaps.threshold_seconds", &gapSeconds)
    number("gaps.alarm_seconds", &gapAlarmSeconds)
    integer("gaps.max_concurrent_backfills", &backfillsAtOnce)
    number("gaps.backfill_timeout_seconds", &backfillTimeoutSeconds)
    integer("gaps.recheck_minutes", &recheckMinutes)
    number("link.silence_seconds", &silenceSeconds)
    integer("link.rotation_minutes", &rotationMinutes)
    number("link.skew_alarm_milliseconds", &skewAlarmMilliseconds)
    number("chainlink.poll_seconds", &pollSeconds)
    number("monitoring.completeness_threshold", &completeness)
    number("monitoring.missing_data_threshold", &missing)
    number("monitoring.stale_data_seconds", &staleSeconds)
    number("monitoring.invalid_values_threshold", &invalid)
    integer("monitoring.window_minutes", &qualityWindowMinutes)
    number("monitoring.check_seconds", &qualityCheckSeconds)
    takesUpAgain = configuration.boolean("system.enable_recovery") ?? takesUpAgain
    maxTickAgeMilliseconds = TickCadence(configuration).maxInputAgeMilliseconds
    makesMarketData = configuration.boolean("tape.market_data") ?? makesMarketData
  }
}

extension TickCadence {
  init(_ configuration: Configuration) {
    self.init()
    func milliseconds(_ key: String, _ value: inout Int64) {
      value = configuration.number(key).map { Int64(($0 * 1000).rounded()) } ?? value
    }
    milliseconds("inference.interval_seconds", &intervalMilliseconds)
    milliseconds("inference.max_feature_age_seconds", &maxInputAgeMilliseconds)
  }
}

extension ServingRules {
  init(_ configuration: Configuration) {
    self.init()
    decayPerMinute = configuration.number("forecasting.confidence_decay") ?? decayPerMinute
    maxAgeSeconds = configuration.number("inference.max_prediction_age_seconds") ?? maxAgeSeconds
    actionableConfidence = configuration.number("inference.confidence_threshold") ?? actionableConfidence
  }
}

extension LiveWriter.Limits {
  init(_ configuration: Configuration) {
    self.init()
    maxBatchCandles = configuration.integer("ingest.batch_candles") ?? maxBatchCandles
    maxWaitSeconds = configuration.number("ingest.max_wait_seconds") ?? maxWaitSeconds
    queuedCandles = configuration.integer("ingest.queue_candles") ?? queuedCandles
  }
}

extension TapeOptions {
  init(_ configuration: Configuration) {
    self.init()
    capBytes = (configuration.integer("tape.max_megabytes") ?? 2048) << 20
    segmentBytes = min(segmentBytes, capBytes / 4)
    flushMilliseconds = configuration.number("tape.flush_seconds").map { Int64($0 * 1000) }
  }
}

extension HTTPClient.Options {
  init(_ configuration: Configuration) {
    self.init(proxy: configuration.text("network.proxy"), caFile: configuration.text("network.ca_file"))
  }
}

extension WebSocketClient.Options {
  init(_ configuration: Configuration) {
    self.init(proxy: configuration.text("network.proxy"), caFile: configuration.text("network.ca_file"))
  }
}
