import Crypto
import Dataset
import Market
import Settlement
import Storage

/// What tells the outcomes of a price series: its candles, and for an oracle which of its minutes were seen too little to
/// count, and what it was worth by the rule in force at the instants where windows begin and end.
struct OutcomePrices {
  /// Open times of minutes that make no label.
  let sampled: Set<Timestamp>
  /// `nil` where closes decide: for exchanges, and for an oracle of which no ticks are stored.
  let instants: [SettledInstant]?
  private let source: Series

  /// - Parameter range: of the minutes.
  init(
    _ source: Series, in range: Range<Timestamp>, asOf: Timestamp, from store: some LiveStore
  ) throws {
    self.source = source
    guard source.venue.original == .chainlink else {
      (sampled, instants) = ([], nil)
      return
    }
    var sampled: Set<Timestamp> = []
    try store.readOracleMinutes(source.venue, source.symbol, in: range, asOf: asOf) { minutes in
      for minute in minutes where minute.isSampled { sampled.insert(minute.openTime) }
    }
    self.sampled = sampled
    var track = InstantTrack(source: source)
    let early = range.lowerBound == .distantPast ? range.lowerBound : range.lowerBound.adding(minutes: -2)
    try store.readOracleTicks(source.venue, source.symbol, in: early..<range.upperBound, asOf: asOf) { records in
      track.take(records.map(\.tick))
    }
    instants = track.finish()
  }

  var ticks: TickPath? {
    instants.map { TickPath(settled: $0.map { (time: $0.time, price: $0.price) }, source: source) }
  }

  func path(_ candles: [Candle]) -> PricePath { PricePath(candles.filter { !sampled.contains($0.openTime) }) }

  /// Equal for equal outcomes of equal candles.
  var fingerprint: String {
    var hash = Fingerprint()
    for time in sampled.sorted() { hash.combine(UInt64(bitPattern: time.microseconds)) }
    for instant in instants ?? [] {
      hash.combine(UInt64(bitPattern: instant.time.microseconds))
      hash.combine("\(instant.price)")
    }
    return "\(hash) \(instants?.count ?? -1)"
  }
}

/// Settles the instants of a stream of ticks, which is too long to be kept.
private struct InstantTrack {
  /// All lengths of windows are multiples of it.
  private static let stepMinutes: Int64 = 5
  /// How far back a rule looks: its longest mean, and a hole.
  private static let reachMinutes = 2

  let source: Series
  private var recent: [OracleTick] = []
  private var instants: [SettledInstant] = []
  private var next: Int64?
  private var isEmpty = true

  init(source: Series) { self.source = source }

  /// In order of observation.
  mutating func take(_ ticks: [OracleTick]) {
    guard let first = ticks.first, let last = ticks.last else { return }
    isEmpty = false
    recent += ticks
    var minute = next ?? first.time.minute.flooredQuotient(Self.stepMinutes) * Self.stepMinutes
    // Another tick of the last instant may still come.
    guard Timestamp(minute: minute) < last.time else {
      next = minute
      return
    }
    let path = TickPath(recent)
    while Timestamp(minute: minute) < last.time {
      settle(Timestamp(minute: minute), path)
      minute += Self.stepMinutes
    }
    next = minute
    let kept = Timestamp(minute: minute).adding(minutes: -Int(Self.stepMinutes) - Self.reachMinutes)
    recent.removeAll { $0.time < kept }
  }

  consuming func finish() -> [SettledInstant]? {
    guard !isEmpty else { return nil }
    if let next { settle(Timestamp(minute: next), TickPath(recent)) }
    return instants
  }

  private mutating func settle(_ time: Timestamp, _ path: TickPath) {
    let rule = SettlementRule.inForce(at: time, source: source.venue)
    guard let price = path.value(at: time, rule: rule) else { return }
    instants.append(SettledInstant(time, price))
  }
}
