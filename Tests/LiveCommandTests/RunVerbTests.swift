import FoundationEssentials
import Operations
import TestSupport
import Testing
import Venues

@testable import candlecast

/// What `candlecast run` is told on its command line.
struct RunVerbTests {
  @Test(arguments: [
    ["--demo", "--live"], ["--speed", "10x"], ["--live", "--speed", "10x"], ["--demo", "--speed", "max"],
    ["--port", "0", "--feeder-port", "0"], ["--demo", "--roles", "ingest"], ["--demo", "--venue", "binance"],
    ["--demo", "--store", "postgres://nobody@127.0.0.1:1/none"],
  ])
  func `what does not go together is refused`(words: [String]) async throws {
    let folder = try TemporaryFolder()
    let outcome = await Watch.command(
      ["run"] + words,
      environment: ["CANDLECAST_LOG_DIRECTORY": folder.path, "CANDLECAST_STORE": "duckdb:\(folder.path)/s.duckdb"])
    #expect(outcome.code == .wrongUsage, "\(outcome.output) \(outcome.error)")
  }

  private func configuration(
    _ words: [String], environment: [String: String] = [:]
  ) throws -> Configuration {
    let verb = RunVerb()
    return try Configuration(
      .init(environment: environment, flags: verb.flags(try ArgumentParser.parse(words, for: verb))))
  }

  @Test func `a demonstration has its own store, models, tape and log, whatever the environment says`() throws {
    let environment = [
      "CANDLECAST_STORE": "postgres://me@real/prices", "CANDLECAST_MODELS": "real", "CANDLECAST_MARKET_VENUES": "bybit",
      "CANDLECAST_MARKET_VIEW": "chainlink:BTC/USD+binance:BTCUSDT", "CANDLECAST_ROLES": "ingest",
    ]
    let usual = try configuration(["--demo"], environment: environment)
    #expect(usual.text("store") == "duckdb:feature_store/demo.duckdb" && usual.text("models") == "models/demo")
    #expect(usual.text("market.venue") == "sim-binance" && usual["market.view"] == nil && usual["market.venues"] == nil)
    #expect(usual.text("tape.directory") == "feature_store/demo-files/tape")
    #expect(usual.text("log.directory") == "feature_store/demo-files/logs")
    let told = try configuration(
      ["--demo", "--store", "duckdb:a/b.duckdb", "--models", "m", "--venue", "sim-bybit"], environment: environment)
    #expect(told.text("store") == "duckdb:a/b.duckdb" && told.text("models") == "m")
    #expect(told.text("market.venue") == "sim-bybit" && told.text("tape.directory") == "a/b-files/tape")
    let live = try configuration(["--live"], environment: environment)
    #expect(live.text("models") == "real" && live.text("tape.directory") == "feature_store/tape")
  }

  @Test(.timeLimit(.minutes(Soak.minutes(5))), arguments: [true, false])
  func `with a port of its own the gap handler listens only if it is asked for`(isAsked: Bool) async throws {
    let desk = try Desk(try Exchange.shared.get().knobs)
    let feeder = Configuration.Flag(key: "server.feeder_port", name: "--port", text: "0")
    var environment = ["CANDLECAST_STORE": "duckdb:\(desk.storePath)", "CANDLECAST_MARKET_VENUE": "sim-binance"]
    for knob in KnobTable.all {
      environment[knob.environmentName] = environment[knob.environmentName] ?? desk.text(knob)
    }
    environment["GAP_HANDLER_PORT"] = isAsked ? "0" : nil
    environment["CANDLECAST_SERVER_GAP_HANDLER_PORT"] = nil
    let usual = try desk.context()
    let context = CommandContext(
      configuration: try Configuration(.init(environment: environment, flags: [feeder])), log: usual.log,
      output: usual.output, installation: usual.installation)
    _ = try await Watch.run(context, .init(channels: [.klines], servesHealth: true)) { status in
      guard let ports = status.ports else { return false }
      #expect((ports.gapHandler != nil) == isAsked)
      return true
    }
  }
}
