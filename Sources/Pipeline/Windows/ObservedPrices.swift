internal import Market

/// An oracle's observations as far as windows read them: the rule in force settles both ends.
struct ObservedPrices: Sendable {
  private static let keptMinutes = 20

  private let series: Series
  private var prices = OracleTrack()
  /// Published ones, by their seconds.
  private var means: [Int: OracleTrack] = [:]
  private var tidiedAt: Int64 = 0

  init(_ series: Series) { self.series = series }

  mutating func take(_ tick: OracleTick) {
    guard tick.feed == series.symbol, tick.source.isStream else { return }
    switch tick.quantity {
    case .price: prices.insert(tick)
    case .timeWeightedMean(let seconds): means[seconds, default: OracleTrack()].insert(tick)
    }
    guard tick.time.minute > tidiedAt else { return }
    tidiedAt = tick.time.minute
    let kept = tick.time.adding(minutes: -Self.keptMinutes)
    prices.removeAll(before: kept)
    for seconds in means.keys { means[seconds]?.removeAll(before: kept) }
  }

  func reading(
    of window: ClockWindow, at time: Timestamp, maxAgeMilliseconds: Int64
  ) throws(WindowSilence) -> WindowReading {
    guard let newest = price(at: time) else { throw missing("no price of \(series) has come") }
    let age = (time.microseconds - newest.time.microseconds) / 1000
    guard age <= maxAgeMilliseconds else { throw missing("the newest price of \(series) is \(age) ms old") }
    let rule = SettlementRule.inForce(at: window.start, source: series.venue)
    guard rule == SettlementRule.inForce(at: window.end, source: series.venue) else {
      throw WindowSilence(code: "rule_change", reason: "another rule settles the window's end than its start")
    }
    guard let strike = settled(at: window.start, rule), strike > 0 else {
      throw WindowSilence(code: "no_strike", reason: "the price at which the window began is not known")
    }
    let spot = newest.price.doubleValue
    return WindowReading(
      price: spot, ageMilliseconds: age, source: .direct, strike: strike,
      outlook: try outlook(of: window, at: time, rule, spot: spot))
  }

  private func missing(_ reason: String) -> WindowSilence { WindowSilence(code: "oracle_missing", reason: reason) }

  private func outlook(
    of window: ClockWindow, at time: Timestamp, _ rule: SettlementRule, spot: Double
  ) throws(WindowSilence) -> WindowOutlook {
    let left = window.exactMinutesLeft(at: time)
    guard case .timeWeightedMean(let seconds) = rule else { return WindowOutlook(spot: spot, minutesLeft: left) }
    let start = window.end.adding(microseconds: -Int64(seconds) * 1_000_000)
    var mean = spot
    if time > start {
      guard let known = self.mean(from: start, to: time, spot: spot) else {
        throw missing("the prices of \(series) since \(start) have a hole")
      }
      mean = known
    }
    return WindowOutlook(spot: spot, minutesLeft: left, meanMinutes: Double(seconds) / 60, meanSoFar: mean)
  }

  // MARK: Prices of instants

  private func price(at time: Timestamp) -> OracleTrack.Point? {
    let index = prices.firstIndex(after: time) - 1
    return index >= 0 ? prices[index] : nil
  }

  /// What the rule makes of an instant: a mean that was published for it, or one made here.
  private func settled(at time: Timestamp, _ rule: SettlementRule) -> Double? {
    switch rule {
    case .point:
      guard let point = price(at: time),
        time.microseconds - point.time.microseconds <= TimeWeightedMean.usualHoleMicroseconds
      else { return nil }
      return point.price.doubleValue
    case .timeWeightedMean(let seconds):
      let made = TimeWeightedMean(seconds: seconds).value(before: time, of: prices)
      return (published(at: time, seconds: seconds) ?? made)?.doubleValue
    }
  }

  private func published(at time: Timestamp, seconds: Int) -> OraclePrice? {
    guard let track = means[seconds] else { return nil }
    let index = track.firstIndex(after: time) - 1
    return index >= 0 && track[index].time == time ? track[index].price : nil
  }

  /// Each price weighs as long as it was the newest one; `nil` where none came for too long.
  private func mean(from start: Timestamp, to end: Timestamp, spot: Double) -> Double? {
    var index = prices.firstIndex(after: start) - 1
    guard index >= 0 else { return nil }
    // Relative to the newest one, so that little is lost by rounding.
    var sum = 0.0
    var from = start
    while from < end {
      let next = index + 1 < prices.endIndex ? min(prices[index + 1].time, end) : end
      let isNewest = next == end
      guard isNewest || next.microseconds - prices[index].time.microseconds <= TimeWeightedMean.usualHoleMicroseconds
      else { return nil }
      sum += (prices[index].price.doubleValue - spot) * Double(next.microseconds - from.microseconds)
      from = next
      index += 1
    }
    return spot + sum / Double(end.microseconds - start.microseconds)
  }
}
