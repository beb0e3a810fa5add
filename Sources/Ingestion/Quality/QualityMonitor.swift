package import Market
package import Storage

/// Judges one series every minute over the last hour; each crossing of a bound is one event, opened and later closed.
///
/// The hour is that of the whole minutes that ended at least `graceMicroseconds` ago, so that a minute on its way is not
/// held against the series. Nothing is judged before a whole hour of minutes was due.
package struct QualityMonitor: Sendable {
  package struct Options: Hashable, Sendable {
    package var intervalMicroseconds: Int64 = 60_000_000
    package var windowMinutes = 60
    package var graceMicroseconds: Int64 = 75_000_000
    /// Least share of minutes that are stored.
    package var completeness = 0.95
    /// Largest share of minutes that the stream itself did not bring, patched since or not.
    package var missing = 0.1
    /// Largest age of the newest data.
    package var staleSeconds = 300.0
    /// Largest share of messages that could not be used.
    package var invalid = 0.05

    package init() {}
  }

  package enum Measure: String, Hashable, Sendable, CaseIterable {
    case completeness, missing, stale, invalid
  }

  /// `nil` is "not judged yet".
  package struct Numbers: Hashable, Sendable {
    package fileprivate(set) var completeness: Double?
    package fileprivate(set) var missing: Double?
    package fileprivate(set) var staleSeconds: Double?
    package fileprivate(set) var invalid: Double?
  }

  private struct Minute {
    var isStored = false
    var isLive = false
    var messages = 0
    var invalid = 0
  }

  private let series: Series
  private let options: Options
  private let startedAt: Timestamp
  private var minutes: [Int64: Minute] = [:]
  private var newestData: Timestamp?
  private var judgedAt: Timestamp
  private var open: [Measure: QualityEvent] = [:]
  package private(set) var numbers = Numbers()

  /// - Parameter events: those that a store holds as unresolved; they are closed in their time.
  package init(_ series: Series, _ options: Options = Options(), events: [QualityEvent] = [], now: Timestamp) {
    (self.series, self.options) = (series, options)
    (startedAt, judgedAt) = (now, now)
    for event in events where event.series == series && event.resolvedAt == nil {
      if let measure = Measure(rawValue: event.type) { open[measure] = event }
    }
  }

  /// A minute is stored, or proven to be without trades.
  package mutating func stored(_ minute: Int64, isLive: Bool) {
    guard isKept(minute) else { return }
    minutes[minute, default: Minute()].isStored = true
    if isLive { minutes[minute, default: Minute()].isLive = true }
  }

  package mutating func heard(_ eventTime: Timestamp, now: Timestamp) {
    newestData = max(newestData ?? .distantPast, min(eventTime, now))
  }

  /// Messages came, some of them of no use.
  package mutating func messages(_ count: Int, invalid: Int, now: Timestamp) {
    minutes[now.minute, default: Minute()].messages += count
    minutes[now.minute, default: Minute()].invalid += invalid
  }

  package var nextDue: Timestamp { judgedAt.adding(microseconds: options.intervalMicroseconds) }

  /// Events that are opened or closed now.
  package mutating func tick(now: Timestamp) -> [QualityEvent] {
    guard now >= nextDue else { return [] }
    judgedAt = now
    let end = now.adding(microseconds: -options.graceMicroseconds).minute
    let window = (end - Int64(options.windowMinutes))..<end
    minutes = minutes.filter { $0.key >= window.lowerBound }
    judge(window, now)
    return Measure.allCases.compactMap { verdict($0, now) }
  }

  private mutating func judge(_ window: Range<Int64>, _ now: Timestamp) {
    let age = Double(now.microseconds - (newestData ?? startedAt).microseconds) / 1_000_000
    numbers.staleSeconds = newestData == nil && age <= options.staleSeconds ? nil : age
    guard Timestamp(minute: window.lowerBound) >= startedAt else { return }
    let due = window.compactMap { minutes[$0] }
    let whole = Double(options.windowMinutes)
    numbers.completeness = Double(due.count(where: \.isStored)) / whole
    numbers.missing = 1 - Double(due.count(where: \.isLive)) / whole
    let messages = due.reduce(0) { $0 + $1.messages }
    numbers.invalid = messages == 0 ? nil : Double(due.reduce(0) { $0 + $1.invalid }) / Double(messages)
  }

  private mutating func verdict(_ measure: Measure, _ now: Timestamp) -> QualityEvent? {
    guard let (value, bound, isBad) = value(of: measure) else { return nil }
    if isBad, open[measure] == nil {
      let event = QualityEvent(
        series: series, type: measure.rawValue, createdAt: now, candlesMissing: missingCandles(measure),
        details: #"{"value":\#(value),"bound":\#(bound),"window_minutes":\#(options.windowMinutes)}"#)
      open[measure] = event
      return event
    }
    guard !isBad, var event = open.removeValue(forKey: measure) else { return nil }
    event.resolvedAt = max(now, event.createdAt)
    return event
  }

  private func value(of measure: Measure) -> (value: Double, bound: Double, isBad: Bool)? {
    switch measure {
    case .completeness:
      numbers.completeness.map { ($0, options.completeness, $0 < options.completeness) }
    case .missing: numbers.missing.map { ($0, options.missing, $0 > options.missing) }
    case .stale: numbers.staleSeconds.map { ($0, options.staleSeconds, $0 > options.staleSeconds) }
    case .invalid: numbers.invalid.map { ($0, options.invalid, $0 > options.invalid) }
    }
  }

  private func missingCandles(_ measure: Measure) -> Int? {
    guard measure == .completeness, let completeness = numbers.completeness else { return nil }
    return Int(((1 - completeness) * Double(options.windowMinutes)).rounded())
  }

  private func isKept(_ minute: Int64) -> Bool {
    minute >= judgedAt.adding(microseconds: -options.graceMicroseconds).minute - Int64(options.windowMinutes)
      && minute <= judgedAt.minute + Int64(options.windowMinutes)
  }
}
