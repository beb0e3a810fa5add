import Market

/// A session in which runs of candles are held back and come later, as after a broken connection.
enum LateSession {
  private static let mostHoles = 40
  private static let candlesPerHole = 150
  private static let longestHole = 12
  private static let longestDelayMinutes = 120
  /// Beyond what a pipeline keeps to fold again.
  private static let longDelayMinutes = 3000

  /// The candles in a new order of arrival, all in the end.
  ///
  /// - Parameters:
  ///   - records: one version a minute.
  ///   - delayMicroseconds: after the close, of candles that are not held back.
  static func events(
    of records: [CandleRecord], delayMicroseconds: Int64 = 2_000_000, seed: UInt64
  ) -> [CandleRecord] {
    var generator = SplitMix64(seed: seed)
    var events = records
    for index in events.indices {
      events[index].availableAt = events[index].candle.closeTime.adding(microseconds: delayMicroseconds)
    }
    for hole in 0..<min(mostHoles, records.count / candlesPerHole) {
      let isLong = hole.isMultiple(of: 10) && records.count > longDelayMinutes + candlesPerHole
      let places = records.indices.dropLast(isLong ? longDelayMinutes : 0)
      let start = Int.random(in: places, using: &generator)
      let held = start..<min(records.count, start + Int.random(in: 1...longestHole, using: &generator))
      let delay = isLong ? longDelayMinutes : Int.random(in: 1...longestDelayMinutes, using: &generator)
      let arrival = records[held.upperBound - 1].candle.closeTime.adding(minutes: delay)
      for index in held {
        events[index].availableAt = arrival.adding(microseconds: delayMicroseconds)
        events[index].provenance = .patched
      }
    }
    return events.sorted { $0.precedes($1) }
  }
}
