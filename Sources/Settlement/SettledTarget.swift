internal import Glibc
package import Market

/// A target with the series whose prices decide it, such as `direction-15m@binance:BTCUSDT`.
package struct SettledTarget: Hashable, Sendable {
  package let target: PredictionTarget
  package let source: Series

  package init(_ target: PredictionTarget, source: Series) {
    (self.target, self.source) = (target, source)
  }

  /// The outcome of a decision made at a candle's close; `nil` when a needed minute is absent, or when no decision of
  /// this target is made at that time.
  ///
  /// - Parameter ticks: an oracle's observations, which decide windows if they are given.
  package func outcome(
    decisionTime: Timestamp, prices: PricePath, ticks: TickPath? = nil
  ) throws(SettlementError) -> Outcome? {
    switch target {
    case .direction(let minutes):
      Self.ends(decisionTime, minutes, prices).map {
        Outcome(value: $0.last >= $0.first ? 1 : 0, labelEnd: $0.end)
      }
    case .change(let minutes):
      Self.ends(decisionTime, minutes, prices).map {
        Outcome(value: 100 * ($0.last / $0.first - 1), labelEnd: $0.end)
      }
    case .window(let minutes):
      try ClockWindow(decisionTime: decisionTime, lengthMinutes: minutes).flatMap { window throws(SettlementError) in
        try outcome(of: window, prices, ticks)
      }
    case .openWindow(let minutes):
      try outcome(of: ClockWindow(containing: decisionTime, lengthMinutes: minutes), prices, ticks)
    case .move(let seconds):
      // The price of the last trade is known at the end of each minute, as its close.
      seconds % 60 == 0
        ? Self.ends(decisionTime, seconds / 60, prices).map {
          Outcome(value: 10_000 * log($0.last / $0.first), labelEnd: $0.end)
        } : nil
    }
  }

  /// The outcomes of many decisions, NaN where `outcome` is `nil`; their ends are what the clock says even then.
  package func labels(
    at decisionTimes: [Timestamp], prices: PricePath, ticks: TickPath? = nil
  ) throws(SettlementError) -> Labels {
    var values: [Double] = []
    var ends: [Timestamp] = []
    values.reserveCapacity(decisionTimes.count)
    ends.reserveCapacity(decisionTimes.count)
    for time in decisionTimes {
      values.append(try outcome(decisionTime: time, prices: prices, ticks: ticks)?.value ?? .nan)
      ends.append(labelEnd(decisionTime: time))
    }
    return Labels(values: values, labelEnds: ends)
  }

  /// When the outcome of a decision is finished, whether or not its minutes are present.
  package func labelEnd(decisionTime: Timestamp) -> Timestamp {
    switch target {
    case .direction(let minutes), .change(let minutes): decisionTime.adding(minutes: minutes)
    case .move(let seconds): decisionTime.adding(microseconds: Int64(seconds) * 1_000_000)
    case .window(let minutes): ClockWindow(decisionTime: decisionTime, lengthMinutes: minutes)?.end ?? decisionTime
    case .openWindow(let minutes): ClockWindow(containing: decisionTime, lengthMinutes: minutes).end
    }
  }

  private func outcome(
    of window: ClockWindow, _ prices: PricePath, _ ticks: TickPath?
  ) throws(SettlementError) -> Outcome? {
    if let ticks { return observedOutcome(of: window, prices, ticks) }
    for instant in [window.start, window.end] {
      let rule = SettlementRule.inForce(at: instant, source: source.venue)
      guard rule == .point else { throw .needsTicks(rule: rule, target: self, time: instant) }
    }
    guard prices.hasAll(window.minutes), let strike = window.strike(prices), let last = prices.price(at: window.end)
    else { return nil }
    return Outcome(value: last >= strike ? 1 : 0, labelEnd: window.end)
  }

  /// By all digits of the oracle. A window with another rule at its end than at its start has no outcome here: which of
  /// them its market had, only the market's own metadata tells.
  private func observedOutcome(of window: ClockWindow, _ prices: PricePath, _ ticks: TickPath) -> Outcome? {
    let rule = SettlementRule.inForce(at: window.start, source: source.venue)
    guard rule == SettlementRule.inForce(at: window.end, source: source.venue), prices.hasAll(window.minutes),
      let strike = ticks.value(at: window.start, rule: rule), let last = ticks.value(at: window.end, rule: rule)
    else { return nil }
    return Outcome(value: last >= strike ? 1 : 0, labelEnd: window.end)
  }

  private static func ends(
    _ time: Timestamp, _ minutes: Int, _ prices: PricePath
  ) -> (first: Double, last: Double, end: Timestamp)? {
    let end = time.adding(minutes: minutes)
    guard let first = prices.price(at: time), let last = prices.price(at: end) else { return nil }
    return (first, last, end)
  }
}

extension SettledTarget: CustomStringConvertible {
  package var description: String { "\(target)@\(source)" }

  /// Reads `direction-15m@binance:BTCUSDT`.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, let target = PredictionTarget(parts[0]), let source = Series(parts[1]) else { return nil }
    self.init(target, source: source)
  }
}
