package import Market

/// What a series lacks: minutes without a row, and minutes in which nothing was traded.
package struct GapReport: Hashable, Sendable {
  /// Half-open runs of absent minutes.
  package var absent: [Range<Timestamp>] = []
  /// Half-open runs of stored minutes whose volume is zero.
  package var quiet: [Range<Timestamp>] = []
  package var rows = 0
  /// From the first candle's open to the last one's close; `nil` without any.
  package var period: Range<Timestamp>?

  package var absentMinutes: Int { Self.minutes(in: absent) }
  package var quietMinutes: Int { Self.minutes(in: quiet) }

  private static func minutes(in runs: [Range<Timestamp>]) -> Int {
    runs.reduce(0) { $0 + $1.upperBound.minutes(since: $1.lowerBound) }
  }
}

/// Folds candles in time order into a report.
package struct GapScan: Sendable {
  private var report = GapReport()
  private var expected: Timestamp?
  private var quietSince: Timestamp?

  package init() {}

  package mutating func step(_ candle: Candle) {
    let isHole = expected.map { $0 < candle.openTime } ?? false
    if let expected, isHole { report.absent.append(expected..<candle.openTime) }
    let isQuiet = candle.volume == .zero
    if isHole || !isQuiet { endQuietRun() }
    if isQuiet, quietSince == nil { quietSince = candle.openTime }
    expected = candle.closeTime
    report.period = (report.period?.lowerBound ?? candle.openTime)..<candle.closeTime
    report.rows += 1
  }

  package consuming func finish() -> GapReport {
    endQuietRun()
    return report
  }

  private mutating func endQuietRun() {
    if let quietSince, let expected { report.quiet.append(quietSince..<expected) }
    quietSince = nil
  }
}
