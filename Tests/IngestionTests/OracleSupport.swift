import Market

enum OracleMade {
  static let firstMinute: Int64 = 29_777_760

  static func time(seconds: Double) -> Timestamp {
    Timestamp(minute: firstMinute).adding(microseconds: Int64(seconds * 1_000_000))
  }

  static func tick(
    _ seconds: Double, _ price: String, _ source: OracleSource = .relay, quantity: OracleTick.Quantity = .price
  ) -> OracleTick {
    OracleTick(
      feed: .bitcoinUSD, source: source, quantity: quantity, time: time(seconds: seconds), price: OraclePrice(price)!)
  }

  /// About one tick a second, at whole milliseconds, with prices of many digits and now and then a hole.
  static func walk(seed: UInt64, seconds: Int, source: OracleSource = .relay) -> [OracleTick] {
    var random = SplitMix64(seed: seed)
    var units: Int128 = 65_000_123_456_789_012_345_678
    var milliseconds: Int64 = 0
    var ticks: [OracleTick] = []
    while milliseconds < Int64(seconds) * 1000 {
      units += Int128(Int64.random(in: -5_000_000_000_000_000_000...5_000_000_000_000_000_000, using: &random))
      ticks.append(
        OracleTick(
          feed: .bitcoinUSD, source: source,
          time: Timestamp(minute: firstMinute).adding(microseconds: milliseconds * 1000),
          price: OraclePrice(units: units)))
      let isHole = random.next() % 400 == 0
      milliseconds += .random(in: isHole ? 4000...70_000 : 400...1700, using: &random)
    }
    return ticks
  }
}

extension Array {
  /// Each element at most a few places from where it was.
  func nearlyOrdered(by places: Int, seed: UInt64) -> [Element] {
    var random = SplitMix64(seed: seed)
    let keys = indices.map { Double($0) + Double.random(in: 0...Double(places), using: &random) }
    return zip(keys, self).sorted { $0.0 < $1.0 }.map(\.1)
  }
}
