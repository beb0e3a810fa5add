import Market
import Storage
import Venues

extension GapKeeper.Options {
  init(_ thresholds: LiveThresholds) {
    self.init()
    thresholdMicroseconds = thresholds.gapSeconds.microseconds
    alarmMicroseconds = thresholds.gapAlarmSeconds.microseconds
    recheckMinutes = thresholds.recheckMinutes
  }
}

extension QualityMonitor.Options {
  init(_ thresholds: LiveThresholds) {
    self.init()
    intervalMicroseconds = thresholds.qualityCheckSeconds.microseconds
    windowMinutes = thresholds.qualityWindowMinutes
    completeness = thresholds.completeness
    missing = thresholds.missing
    staleSeconds = thresholds.staleSeconds
    invalid = thresholds.invalid
  }
}

extension BackfillQueue.Options {
  init(_ thresholds: LiveThresholds, rowsPerAnswer: Int) {
    self.init()
    atOnce = thresholds.backfillsAtOnce
    timeoutMicroseconds = thresholds.backfillTimeoutSeconds.microseconds
    batchSize = Int64(min(thresholds.candlesPerRequest, rowsPerAnswer))
  }
}

extension ClockSkew.Options {
  init(_ thresholds: LiveThresholds) {
    self.init()
    warningMicroseconds = (thresholds.skewAlarmMilliseconds / 1000).microseconds
  }
}

extension LinkWatch.Options {
  /// Trades may pause for longer than what a venue sends all the time, and beside that say nothing about the socket.
  init(_ thresholds: LiveThresholds, channels: [Channel], lifetimeSeconds: Int?) {
    self.init()
    let silence = thresholds.silenceSeconds.microseconds
    for channel in channels where channel != .trades { silenceMicroseconds[channel] = silence }
    if channels == [.trades] { silenceMicroseconds[.trades] = 4 * silence }
    if let lifetimeSeconds { lifetimeMicroseconds = Int64(lifetimeSeconds) * 1_000_000 }
    rotationMicroseconds = Int64(thresholds.rotationMinutes) * Timestamp.microsecondsPerMinute
  }
}

extension Double {
  fileprivate var microseconds: Int64 { Int64((self * 1_000_000).rounded()) }
}
