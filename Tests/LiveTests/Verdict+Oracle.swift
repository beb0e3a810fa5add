import Ingestion
import Market
import Storage
import VenueSimulator
import Venues

extension Verdict {
  /// What stands as observed is the truth, observation by observation; what may not be is marked.
  mutating func judgeOracle(_ series: Series) throws {
    var venue = simulation.network.venue
    let store = simulation.store
    let ticks = Dictionary(grouping: try store.observations(series), by: \.time.minute)
    let minutes = try store.oracleMinutes(series)
    for minute in minutes {
      let truth = venue.ticks(of: simulation.plan.symbols[0], minute: minute.openTime)
      let stored = ticks[minute.openTime.minute] ?? []
      for tick in stored where !truth.contains(where: { $0.time == tick.time && $0.price == tick.price }) {
        complain("\(series) \(tick.time) is stored as \(tick.price), which was never observed")
      }
      guard !minute.isSampled else { continue }
      let prices = truth.map(\.price)
      if stored.count != truth.count || minute.ticks != truth.count {
        complain(
          "\(series) \(minute.openTime) stands for \(truth.count) observations with \(minute.ticks) of which \(stored.count) "
            + "are stored")
      } else if [prices.first, prices.max(), prices.min(), prices.last]
        != [minute.open, minute.high, minute.low, minute.close]
      {
        complain("\(series) \(minute.openTime) is not what was observed")
      }
    }
    // What was being asked for when a process ended an hour or more is not asked for again.
    let sampled = minutes.filter(\.isSampled)
    if sampled.count > simulation.plan.crashes.count {
      complain("\(series): \(sampled.count) minutes are sampled, the first one \(sampled[0].openTime)")
    }
    try judgeCandles(series, as: minutes)
  }

  /// Candles are the minutes, rounded.
  private mutating func judgeCandles(_ series: Series, as minutes: [OracleMinute]) throws {
    let candles = Dictionary(uniqueKeysWithValues: minutes.map { ($0.openTime, $0.candle) })
    for record in try simulation.store.candles(series) where candles[record.candle.openTime] != record.candle {
      complain("\(series) \(record.candle.openTime) is stored as \(record.candle), unlike its minute")
    }
  }
}

extension LiveStore {
  /// Prices, by time.
  func observations(_ series: Series) throws -> [OracleTick] {
    var ticks: [OracleTick] = []
    try readOracleTicks(series.venue, series.symbol, in: .distantPast ..< .distantFuture, asOf: .distantFuture) {
      ticks += $0.map(\.tick).filter { $0.quantity == .price }
    }
    return ticks
  }

  func oracleMinutes(_ series: Series) throws -> [OracleMinute] {
    var minutes: [OracleMinute] = []
    try readOracleMinutes(series.venue, series.symbol, in: .distantPast ..< .distantFuture, asOf: .distantFuture) {
      minutes += $0
    }
    return minutes
  }
}
