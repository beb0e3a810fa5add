import Ingestion
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
    makesMarketData = configuration.boolean("tape.market_data") ?? makesMarketData
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
