import Ingestion
import Market
import Operations
import Storage
import Tape
import TestSupport
import Testing
import Transport
import VenueSimulator
import Venues

@testable import candlecast

/// What a user gets wrong ends with a sentence that says what to do, and the right exit code.
struct WrongInputTests {
  private func desk() throws -> Desk { try Desk(try Exchange.shared.get().knobs) }

  private func fails(
    _ code: ExitCode, saying parts: [String], _ words: [String], knobs: [String: String] = [:],
    _ location: SourceLocation = #_sourceLocation
  ) async throws {
    let desk = try desk()
    let file = try desk.folder.write(desk.yaml(knobs), to: "c.yaml")
    let outcome = await Watch.command(words + ["--config", file])
    #expect(outcome.code == code, "\(outcome.error)", sourceLocation: location)
    #expect(outcome.output.isEmpty, sourceLocation: location)
    for part in parts { #expect(outcome.error.contains(part), "\(outcome.error)", sourceLocation: location) }
  }

  @Test(arguments: ["run", "ingest", "record"]) func `a venue that nobody knows`(verb: String) async throws {
    try await fails(.wrongUsage, saying: ["no live feed of kraken", "binance-us"], [verb, "--venue", "kraken"])
    let knobs = ["market.venues": "sim-kraken"]
    try await fails(.wrongUsage, saying: ["no live feed of sim-kraken"], [verb], knobs: knobs)
  }

  @Test func `names that are none`() async throws {
    try await fails(.wrongUsage, saying: ["--venue"], ["run", "--venue", "Bin ance"])
    try await fails(
      .wrongUsage, saying: ["market.venues", "\"bin ance\""], ["ingest"], knobs: ["market.venues": "bin ance"])
    try await fails(
      .wrongUsage, saying: ["market.symbols", "\"b t c\""], ["ingest"], knobs: ["market.symbols": "b t c"])
  }

  @Test func `a symbol that the venue does not list`() async throws {
    try await fails(
      .wrongUsage, saying: ["sim-binance:NOPEUSDT", "Invalid symbol"], ["ingest", "--symbol", "NOPEUSDT"])
  }

  @Test(arguments: [503, 451, 403]) func `a venue that gives nothing at present`(status: Int64) async throws {
    let exchange = try Exchange(
      speed: 600, faults: [Fault(.status, atSeconds: 0, lastingSeconds: 360_000, amount: status)])
    let desk = try Desk(exchange.knobs)
    let outcome = try await desk.command("ingest")
    #expect(outcome.code == .unreachable && outcome.output.contains("minutes could not be had yet"), "\(outcome)")
    let ledger = try DuckDBStore(path: desk.storePath).ledger(Series("sim-binance:BTCUSDT")!, .minutes)
    #expect(ledger.map(\.state) == [.missing])
  }

  @Test func `a real venue beside a simulated one`() async throws {
    try await fails(
      .wrongUsage, saying: ["sim-binance, bybit", "cannot run together"], ["run"], knobs: ["market.venues": "bybit"])
  }

  @Test(arguments: ["run", "ingest", "record"]) func `a simulated venue without a simulator`(verb: String) async throws
  {
    try await fails(
      .unreachable, saying: ["127.0.0.1:1", "candlecast simulate"], [verb],
      knobs: ["binance.api_url": "http://127.0.0.1:1"])
  }

  @Test func `an encrypted address at a port that is not`() async throws {
    let address = try #require(try Exchange.shared.get().knobs["binance.api_url"]).replacing("http", with: "https")
    try await fails(.unreachable, saying: ["TLS"], ["run"], knobs: ["binance.api_url": address])
  }

  @Test func `no credentials for the oracle`() async throws {
    try await fails(
      .wrongUsage, saying: ["chainlink.api_key", "CANDLECAST_CHAINLINK_API_KEY"], ["run", "--venue", "chainlink"],
      knobs: ["chainlink.api_key": "", "chainlink.api_secret": ""])
  }

  @Test(arguments: [
    ("gaps.threshold_seconds", "soon"), ("gaps.max_concurrent_backfills", "0"), ("link.rotation_minutes", "1440"),
    ("tape.enabled", "perhaps"), ("tape.max_megabytes", "1"), ("server.feeder_port", "65536"),
    ("binance.encoding", "protobuf"), ("coinbase.interface", "pro"), ("chainlink.source", "uniswap"),
    ("chainlink.chain", "bitcoin"), ("monitoring.completeness_threshold", "1.5"), ("ingest.limit", "1001"),
    ("market.view", "nothing"),
  ])
  func `a value that a knob cannot have`(knob: String, text: String) async throws {
    try await fails(.wrongUsage, saying: [knob, text, "expected"], ["run"], knobs: [knob: text])
  }
}
