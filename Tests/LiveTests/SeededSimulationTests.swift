import FoundationEssentials
import Market
import Storage
import TestSupport
import Testing
import VenueSimulator
import Venues

/// A live feed against a venue in virtual time; a seed fixes faults, timing and crashes.
///
/// Each is six simulated hours of klines and thinned trades, and a quiet end in which everything can be fetched. Every
/// tenth is stored in DuckDB too, which must agree with the store in memory row for row.
@Suite struct SeededSimulationTests {
  /// 50, and 500 in a soak; one alone, with its whole history, if `CANDLECAST_SEED` names it.
  static let seeds = seeds(from: 0, count: 50)
  static let tradeSeeds = seeds(from: 10_000, count: 10)
  static let bybitSeeds = seeds(from: 20_000, count: 5)
  static let oracleSeeds = seeds(from: 30_000, count: 5)

  private static let chosenSeed = ProcessInfo.processInfo.environment["CANDLECAST_SEED"].flatMap { UInt64($0) }

  private static func seeds(from first: UInt64, count: UInt64) -> [UInt64] {
    if let chosenSeed { return [chosenSeed] }
    return Array(first..<first + (Soak.isOn ? 10 * count : count))
  }

  private func expectWhole(
    _ plan: Simulation.Plan, _ name: String, _ feed: any FeedProtocol, location: SourceLocation = #_sourceLocation
  ) throws {
    let folder = try TemporaryFolder()
    var stores: [any LiveStore & CandleStore] = [ModelStore()]
    if plan.seed.isMultiple(of: 10) { stores.append(try DuckDBStore(path: folder.file("store.duckdb"))) }
    let simulation = try Simulation(plan, name, feed, stores: stores)
    try simulation.run()
    try simulation.finish()
    let complaints = try Verdict(simulation).complaints
    #expect(
      complaints.isEmpty, Comment(rawValue: simulation.report(complaints, isWhole: Self.chosenSeed != nil)),
      sourceLocation: location)
  }

  @Test(arguments: seeds)
  func `the store is complete and true whatever happens`(seed: UInt64) throws {
    try expectWhole(.drawn(seed), "binance", BinanceProtocol(venue: .simulated))
  }

  @Test(arguments: tradeSeeds)
  func `candles made of trades are complete and true whatever happens`(seed: UInt64) throws {
    var plan = Simulation.Plan.drawn(seed)
    plan.channels = [.trades]
    // The trades of a minute stay when its candle is rewritten.
    plan.faults.removeAll { $0.kind == .rewrite }
    try expectWhole(plan, "coinbase-exchange", CoinbaseExchangeProtocol(venue: .simulatedCoinbase))
  }

  @Test(arguments: bybitSeeds)
  func `klines that are confirmed are complete and true whatever happens`(seed: UInt64) throws {
    var plan = Simulation.Plan.drawn(seed)
    plan.channels = [.klines]
    try expectWhole(plan, "bybit", BybitProtocol(venue: .simulatedBybit))
  }

  @Test(arguments: oracleSeeds)
  func `an oracle's minutes are whole and true, or marked, whatever happens`(seed: UInt64) throws {
    var plan = Simulation.Plan.drawn(seed)
    (plan.channels, plan.feedSymbols) = ([.ticks], [.bitcoinUSD])
    // Signatures are good for five seconds.
    plan.clockAheadMicroseconds /= 2
    plan.faults.removeAll { fault in
      switch fault.kind {
      // One lost frame looks like a second without an observation.
      case .missing, .reorder: true
      case .silence: fault.lastingMicroseconds < 3_000_000
      // What was observed stays when an exchange's candle is rewritten.
      case .rewrite: true
      default: false
      }
    }
    try expectWhole(plan, "chainlink", DataStreamsProtocol.simulated)
  }

  /// Seeds that once failed, and what they found.
  struct Finding: CustomTestStringConvertible {
    let seed: UInt64
    let found: String
    var testDescription: String { "seed \(seed): \(found)" }
  }

  static let findings = [
    Finding(seed: 0, found: "trades that went by while nothing ran counted as live"),
    Finding(seed: 21, found: "an unfinished minute was stored before the clock of the venue was known"),
    Finding(
      seed: 46, found: "with a clock behind the venue's a later patch was available before the minute it followed"),
  ]

  @Test(arguments: findings)
  func `what a seed once found stays mended`(finding: Finding) throws {
    try expectWhole(.drawn(finding.seed), "binance", BinanceProtocol(venue: .simulated))
  }
}
