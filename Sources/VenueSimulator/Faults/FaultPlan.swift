package import Market

/// What goes wrong, when. The same plan does the same at the same instants of the simulator's clock.
package struct FaultPlan: Sendable {
  /// By the time they begin.
  package let faults: [Fault]
  /// The instant that the faults' times count from.
  package let start: Timestamp
  private let byKind: [Fault.Kind: [Fault]]

  package init(_ faults: [Fault] = [], start: Timestamp) {
    self.faults = faults.sorted { $0.atMicroseconds < $1.atMicroseconds }
    self.start = start
    byKind = Dictionary(grouping: faults, by: \.kind)
  }

  /// What concerns one venue.
  package func of(_ venue: String) -> FaultPlan {
    FaultPlan(faults.filter { $0.venue == nil || $0.venue == venue }, start: start)
  }

  /// Faults of any kind at any time, about so many an hour; the same ones for the same seed.
  package static func random(
    perHour: Double, from fromSeconds: Int64 = 0, lastingSeconds: Int64, seed: UInt64
  ) -> [Fault] {
    var random = SplitMix64(seed: seed ^ 0xFA17)
    let count = Int((perHour * Double(lastingSeconds) / 3600).rounded())
    let statuses: [Int64] = [429, 418, 500, 503]
    return (0..<max(0, count)).map { _ in
      let kind = Fault.Kind.allCases[Int(random.next() % UInt64(Fault.Kind.allCases.count))]
      let at = fromSeconds + Int64.random(in: 0..<max(1, lastingSeconds), using: &random)
      let stretch = Int64.random(in: 50...200, using: &random)
      let amount = kind == .status ? statuses[Int(random.next() % 4)] : nil
      return Fault(kind, atSeconds: at, lastingSeconds: kind.usualSeconds * stretch / 100, amount: amount)
    }
  }

  // MARK: Asking

  func active(_ kind: Fault.Kind, at now: Timestamp) -> Fault? {
    guard !byKind.isEmpty, let faults = byKind[kind] else { return nil }
    let time = now.microseconds - start.microseconds
    return faults.last {
      time >= $0.atMicroseconds && time < $0.atMicroseconds + $0.lastingMicroseconds
    }
  }

  /// How long a fault that is active will still be.
  func remainingMicroseconds(of fault: Fault, at now: Timestamp) -> Int64 {
    start.microseconds + fault.atMicroseconds + fault.lastingMicroseconds - now.microseconds
  }

  func clockOffset(at now: Timestamp) -> Int64 { (active(.clock, at: now)?.amount ?? 0) * 1000 }

  /// Faults that happen at an instant, oldest first.
  var instants: [(time: Timestamp, fault: Fault)] {
    faults.filter { $0.kind == .disconnect || $0.kind == .shutdown }.map {
      (start.adding(microseconds: $0.atMicroseconds), $0)
    }
  }

  /// The version of a minute that is served at `now`: each rewriting puts its high a tick up and adds a step there.
  func rewritten(_ candle: Candle, grid: PriceGrid, at now: Timestamp) -> Candle {
    guard !byKind.isEmpty, let faults = byKind[.rewrite] else { return candle }
    var version = candle
    for fault in faults {
      let time = start.adding(microseconds: fault.atMicroseconds)
      let isConcerned = candle.closeTime <= time && candle.openTime >= time.adding(minutes: -Int(fault.amount) - 1)
      guard time <= now, isConcerned else { continue }
      let high = grid.ticks(version.high) + 1
      version.high = grid.price(high)
      version.volume = version.volume.flatMap { Decimal8(units: $0.units + Int128(grid.step)) }
      version.quoteVolume = version.quoteVolume.flatMap {
        Decimal8(units: $0.units + grid.quoteAmount(Int128(high)).units)
      }
    }
    return version
  }
}
