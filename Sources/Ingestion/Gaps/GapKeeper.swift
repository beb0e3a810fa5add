package import Market
package import Storage

/// Knows of every expected minute of one series whether it came live, is missing, was patched, or is lost.
///
/// Minutes are expected from a first one on. One is missing as soon as the stream has moved past it without giving it,
/// or has been silent for longer than the threshold. Missing minutes are offered for fetching again and again until
/// they are there or the venue has shown that it does not have them.
package struct GapKeeper: Sendable {
  package struct Options: Hashable, Sendable {
    /// A stream whose newest data is older has a gap.
    package var thresholdMicroseconds: Int64 = 70_000_000
    /// A stream whose newest data is older is worth a warning.
    package var alarmMicroseconds: Int64 = 60_000_000
    /// How far data must be past a minute's end before the minute is missing.
    package var graceMicroseconds: Int64 = 10_000_000
    /// How long after its end a venue's answer about a minute is final.
    package var finalMicroseconds: Int64 = 2_000_000
    /// How wrong our own clock may be while the venue's is not known.
    package var clockErrorMicroseconds: Int64 = 600_000_000
    /// How long after its end a venue must have a minute.
    package var absentMicroseconds: Int64 = 120_000_000
    /// Answers without a minute, and without a later one, before it is lost.
    package var emptyAnswers = 3
    package var refetchMicroseconds: Int64 = 30_000_000
    /// Minutes checked again after every connection that was lost.
    package var recheckMinutes = 60

    package init() {}
  }

  private let options: Options
  private var ledger: SeriesLedger
  private var expected: Range<Int64>
  /// No minute from here on is expected.
  private let end: Int64
  private var newestData: Timestamp?
  private var alarmed = false
  private var refetchAt = Timestamp.distantPast
  /// Minutes from here on are checked again as soon as they are over.
  private var doubted: Int64?
  /// Minutes before were missed while nothing ran, at least in part, and are not to be fetched.
  private var wantedFrom = Int64.min

  /// - Parameters:
  ///   - first: the first minute that is expected.
  ///   - end: the first one that is not expected any more. What lies before comes by requests alone, as soon as it is over.
  package init(_ series: Series, first: Int64, end: Int64? = nil, _ options: Options = Options()) {
    self.options = options
    self.end = end ?? .max
    ledger = SeriesLedger(series, .minutes)
    expected = first..<first
  }

  package var series: Series { ledger.series }

  /// Minutes that are expected by now; each has a state.
  package var expectedMinutes: Range<Int64> { expected }

  /// Nothing will be expected beyond that.
  package var expectsAll: Bool { !isBounded || expected.upperBound >= end }

  package var missingMinutes: Int64 { ledger.missing }

  package func state(of minute: Int64) -> LedgerState? { ledger.map.state(of: minute) }

  package var pieces: [LedgerMap.Run] { ledger.map.runs(in: expected) }

  /// Takes up where a store ends: what it lacks up to now is missing at once, without waiting for the stream.
  ///
  /// - Parameter takesUpAgain: otherwise what was missed before the start is lost.
  package mutating func start(
    _ stored: [LedgerRange], _ events: [QualityEvent], takesUpAgain: Bool = true, now: Timestamp
  ) -> [GapChange] {
    var changes = ledger.restore(stored, events, now: now)
    newestData = now
    guard takesUpAgain else {
      wantedFrom = now.minute + 1
      changes += expect(before: now.minute, now: now)
      return changes + abandoned(.min..<wantedFrom, reason: Self.unrecoveredReason, now: now)
    }
    changes += expect(before: minutesOver(by: now, after: options.finalMicroseconds), now: now)
    return changes + fetches(now)
  }

  /// - Parameter isSecond: another socket is open: only what came after the newest data can be missing.
  package mutating func connected(isSecond: Bool = false, now: Timestamp) -> [GapChange] {
    let end = minutesOver(by: now, after: options.finalMicroseconds)
    let since = isSecond ? newestData?.minute ?? .min : .min
    let from = max(end - Int64(options.recheckMinutes), expected.lowerBound, since, wantedFrom)
    return from < end ? [.fetch(.minutes, from..<end, isRecheck: true)] : []
  }

  /// The stream has brought data of this time.
  package mutating func heard(_ eventTime: Timestamp, now: Timestamp) {
    let time = min(eventTime, now.adding(microseconds: options.graceMicroseconds))
    guard time > newestData ?? .distantPast else { return }
    newestData = time
    alarmed = false
  }

  /// What the stream said of this minute may be incomplete: it is checked again when it is over.
  package mutating func doubt(_ time: Timestamp) { doubted = min(doubted ?? .max, time.minute) }

  package mutating func sealed(_ candle: SealedCandle, now: Timestamp) -> [GapChange] {
    let state: LedgerState = candle.provenance == .live ? .live : .patched(from: "trades")
    return settle(candle.candle.openTime.minute, state, now: now)
  }

  /// A minute proven to be without trades, on a venue that has no candle then.
  package mutating func quiet(minute: Int64, now: Timestamp) -> [GapChange] {
    settle(minute, .lost(reason: Self.quietReason), now: now)
  }

  package static let quietReason = "nothing was traded"
  static let unrecoveredReason = "missed while nothing ran, and recovery is off"

  /// The stream has left this minute without closing it.
  package mutating func unfinished(minute: Int64, now: Timestamp) -> [GapChange] {
    guard minute >= expected.lowerBound, minute < minutesOver(by: now, after: -options.graceMicroseconds) else {
      return []
    }
    return missed(minute..<(minute + 1), now: now)
  }

  package mutating func answered(_ answer: CandleAnswer, now: Timestamp) -> [GapChange] {
    let finalEnd =
      answer.venueTime.map { minutesOver(by: $0, after: options.finalMicroseconds) } ?? finalWithoutClock(answer, now)
    let usable = answer.candles.filter {
      $0.violation == nil && answer.asked.contains($0.openTime.minute) && $0.openTime.minute < finalEnd
    }
    var present = KeyRanges()
    for candle in usable where candle.openTime.minute >= expected.lowerBound { present.insert(candle.openTime.minute) }
    let last = answer.candles.map(\.openTime.minute).filter { $0 <= finalEnd }.max()
    let end =
      answer.isFull
      ? nil : answer.venueTime.map { minutesOver(by: $0, after: options.absentMicroseconds) }
    let changes = ledger.answered(
      answer.asked, present: present, last: last, end: end ?? .min, tries: options.emptyAnswers, from: answer.source,
      now: now)
    return (usable.isEmpty ? [] : [.store(usable, from: answer.source)]) + changes
  }

  /// Over is what another minute follows, and what is long over even if our clock is wrong.
  private func finalWithoutClock(_ answer: CandleAnswer, _ now: Timestamp) -> Int64 {
    let long = minutesOver(by: now, after: options.clockErrorMicroseconds)
    return max(answer.candles.map(\.openTime.minute).max() ?? long, long)
  }

  /// These minutes cannot be had.
  package mutating func abandoned(_ minutes: Range<Int64>, reason: String, now: Timestamp) -> [GapChange] {
    ledger.map.runs(in: minutes).filter { $0.state == .missing }.flatMap {
      ledger.settle($0.range, .lost(reason: reason), now: now)
    }
  }

  package mutating func tick(now: Timestamp) -> [GapChange] {
    var changes: [GapChange] = []
    var end = expected.upperBound
    if let newestData {
      end = minutesOver(by: newestData, after: options.graceMicroseconds)
      let silence = now.microseconds - newestData.microseconds
      if silence > options.thresholdMicroseconds {
        end = max(end, minutesOver(by: now, after: options.graceMicroseconds))
      }
      if silence > options.alarmMicroseconds, !alarmed {
        alarmed = true
        changes.append(.alarm(silentMicroseconds: silence))
      }
    }
    if isBounded { end = max(end, minutesOver(by: now, after: options.finalMicroseconds)) }
    changes += expect(before: end, now: now) + rechecks(now)
    return now >= refetchAt ? changes + fetches(now) : changes
  }

  private var isBounded: Bool { end < .max }

  /// The venue's clock has become known: answers from before may have been too careful about what is over.
  package mutating func learnedClock(now: Timestamp) -> [GapChange] { fetches(now) }

  private mutating func rechecks(_ now: Timestamp) -> [GapChange] {
    let end = minutesOver(by: now, after: options.finalMicroseconds)
    guard let doubted, doubted < end else { return [] }
    self.doubted = nil
    let from = max(doubted, expected.lowerBound, wantedFrom)
    return from < end ? [.fetch(.minutes, from..<end, isRecheck: true)] : []
  }

  private mutating func expect(before end: Int64, now: Timestamp) -> [GapChange] {
    let end = min(end, self.end)
    guard end > expected.upperBound else { return [] }
    let due = expected.upperBound..<end
    expected = expected.lowerBound..<end
    return missed(due, now: now)
  }

  private mutating func missed(_ minutes: Range<Int64>, now: Timestamp) -> [GapChange] {
    let blanks = ledger.map.blanks(in: minutes)
    let changes = ledger.miss(minutes, now: now)
    guard minutes.lowerBound >= wantedFrom else {
      let unwanted = minutes.clamped(to: .min..<wantedFrom)
      let wanted = minutes.clamped(to: wantedFrom..<max(wantedFrom, minutes.upperBound))
      return changes + abandoned(unwanted, reason: Self.unrecoveredReason, now: now)
        + ledger.map.runs(in: wanted).filter { $0.state == .missing }.map {
          .fetch(.minutes, $0.range, isRecheck: false)
        }
    }
    return changes + blanks.map { .fetch(.minutes, $0, isRecheck: false) }
  }

  private mutating func fetches(_ now: Timestamp) -> [GapChange] {
    refetchAt = now.adding(microseconds: options.refetchMicroseconds)
    guard ledger.missing > 0 else { return [] }
    return ledger.map.runs.filter { $0.state == .missing }.map { .fetch(.minutes, $0.range, isRecheck: false) }
  }

  private mutating func settle(_ minute: Int64, _ state: LedgerState, now: Timestamp) -> [GapChange] {
    guard minute >= expected.lowerBound else { return [] }
    return ledger.settle(minute..<(minute + 1), state, now: now)
  }

  /// Minutes below this one had been over for so long at that time.
  private func minutesOver(by time: Timestamp, after microseconds: Int64) -> Int64 {
    time.adding(microseconds: -microseconds).minute
  }
}
