import FoundationEssentials
import Storage
import TestSupport
import Testing

/// A live feed against a venue in virtual time; a seed fixes faults, timing and crashes.
@Suite struct SeededSimulationTests {
  /// 50, and 500 in a soak; one alone if `CANDLECAST_SEED` names it.
  static var seeds: [UInt64] {
    if let text = ProcessInfo.processInfo.environment["CANDLECAST_SEED"], let seed = UInt64(text) { return [seed] }
    return Array(0..<(Soak.isOn ? 500 : 50))
  }

  @Test(arguments: seeds)
  func `the store is complete and true whatever happens`(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    var stores: [any LiveStore & CandleStore] = [ModelStore()]
    if seed.isMultiple(of: 10) { stores.append(try DuckDBStore(path: folder.file("store.duckdb"))) }
    let simulation = try Simulation(.drawn(seed), stores: stores)
    try simulation.run()
    try simulation.finish()
    let complaints = try Verdict(simulation).complaints
    #expect(complaints.isEmpty, Comment(rawValue: simulation.report(complaints)))
  }
}
