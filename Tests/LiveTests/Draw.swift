import Ingestion
import Market
import VenueSimulator

extension Simulation.Plan {
  /// How far a fault sets the venue's clock ahead or back, at most.
  static let mostVenueClockMicroseconds: Int64 = 1_200_000

  /// Everything that a seed decides: faults, timing and crashes.
  static func drawn(_ seed: UInt64) -> Self {
    var plan = Self(seed: seed)
    var random = SplitMix64(seed: seed ^ 0xD12A)
    let seconds = Int64(plan.minutes) * 60
    func instant() -> Int64 { .random(in: 60..<seconds - 60, using: &random) }
    func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    plan.startMicroseconds = .random(in: 0...60_000_000, using: &random)
    plan.quality = chance(70) ? .bad : .good
    plan.faults = faults(count: .random(in: 0...24, using: &random), seconds: seconds, &random)
    plan.crashes = (0..<Int.random(in: 0...6, using: &random)).map { _ in
      let longest: Int64 = chance(25) ? 3600 : 60
      return Simulation.Crash(atSeconds: instant(), downSeconds: .random(in: 0...longest, using: &random))
    }
    plan.cutsAtSeconds = (0..<Int.random(in: 0...6, using: &random)).map { _ in instant() }
    if chance(40) { plan.clockAheadMicroseconds = .random(in: -5_000_000...5_000_000, using: &random) }
    if chance(20) { plan.longestCommitMicroseconds = 20_000_000 }
    if chance(20) { plan.symbols.append(Symbol("ETHUSDT")!) }
    if chance(20) {
      let first = Int.random(in: 0..<plan.historyMinutes + plan.minutes - 5, using: &random)
      plan.absentMinutes = Set(first..<first + Int.random(in: 1...3, using: &random))
    }
    if chance(30) { plan.thresholds.candlesPerRequest = .random(in: 5...200, using: &random) }
    if chance(30) { plan.thresholds.backfillsAtOnce = .random(in: 1...5, using: &random) }
    if chance(20) { plan.thresholds.rotationMinutes = .random(in: 10...120, using: &random) }
    return plan
  }

  private static func faults(count: Int, seconds: Int64, _ random: inout SplitMix64) -> [Fault] {
    (0..<count).map { _ in
      let kind = Fault.Kind.allCases[Int.random(in: 0..<Fault.Kind.allCases.count, using: &random)]
      let at = Int64.random(in: 0..<seconds - 900, using: &random)
      var fault = Fault(kind, atSeconds: at)
      let longest: Int64 =
        switch kind {
        case .disconnect, .silence, .partial, .late, .malformed, .missing: 600
        case .duplicate, .reorder, .truncate, .slow, .status: 180
        case .clock, .lifetime: 3600
        case .shutdown, .rewrite: 0
        }
      fault.lastingMicroseconds = min(Int64.random(in: 0...longest, using: &random), seconds - at - 60) * 1_000_000
      switch kind {
      case .status: fault.amount = [429, 418, 500, 503].randomElement(using: &random) ?? 429
      case .late: fault.amount = .random(in: 1...30, using: &random)
      case .slow: fault.amount = .random(in: 1...30, using: &random)
      case .clock:
        let most = Self.mostVenueClockMicroseconds / 1000
        fault.amount = .random(in: -most...most, using: &random)
      case .rewrite: fault.amount = .random(in: 1...30, using: &random)
      case .lifetime: fault.amount = .random(in: 2...30, using: &random)
      case .shutdown: fault.amount = .random(in: 1...60, using: &random)
      default: break
      }
      return fault
    }
  }
}
