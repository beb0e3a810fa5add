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

/// Each address and credential, changed in the configuration and seen in who is talked to.
struct AddressKnobTests {
  private static let nobody = "http://127.0.0.1:1"
  private static let streamed: [Channel] = [.klines, .trades, .quotes, .ticks]

  private func desk(_ knobs: [String: String] = [:]) throws -> Desk {
    try Desk(try Exchange.shared.get().knobs.merging(knobs) { $1 })
  }

  private func failure(_ knobs: [String: String]) async throws -> CommandError? {
    try await Watch.refusal(try desk(knobs).context(), .init(requestKnob: "ingest.limit"))
  }

  @Test(arguments: [
    ("binance", "binance.api_url"), ("binance-us", "binance_us.api_url"), ("coinbase", "coinbase.api_url"),
    ("bybit", "bybit.api_url"),
  ])
  func `a venue is asked at its address`(venue: String, knob: String) async throws {
    let result = try await Watch.ingest(try desk(["market.venue": "sim-\(venue)"]).context())
    #expect(result.writer.newCandles >= 4)
    #expect(result.report.feeds.map(\.venue.name) == ["sim-\(venue)"])
    let error = try #require(try await failure(["market.venue": "sim-\(venue)", knob: Self.nobody]))
    #expect(error.exitCode == .unreachable && error.description.contains("127.0.0.1:1/sim/clock"))
  }

  @Test(arguments: [
    ("binance", "binance.stream_url"), ("binance-us", "binance_us.stream_url"), ("coinbase", "coinbase.stream_url"),
    ("bybit", "bybit.stream_url"),
  ])
  func `a venue's stream is read at its address, the next one if nobody answers`(
    venue: String, knob: String
  ) async throws {
    let address = try #require(try Exchange.shared.get().knobs[knob])
    let desk = try desk(["market.venue": "sim-\(venue)", knob: "ws://127.0.0.1:1,\(address)"])
    let result = try await Watch.run(try desk.context(), .init(channels: Self.streamed, stores: false)) {
      $0.current?.series.contains { $0.counts.trades > 0 } == true
    }
    #expect(result.report.feeds[0].connects >= 2)
  }

  @Test func `the next address is asked when nobody answers`() async throws {
    let address = try #require(try Exchange.shared.get().knobs["binance.api_url"])
    let desk = try desk(["binance.api_url": "\(Self.nobody),\(address)"])
    let result = try await Watch.ingest(try desk.context())
    #expect(result.writer.newCandles >= 4 && result.report.feeds[0].counts.failedRequests > 0)
  }

  @Test func `whole days come from the archive's address`() async throws {
    let desk = try desk()
    let day = Timestamp("2023-03-29")!
    func backfill(_ archive: String) async throws -> Backfill.Result {
      let knobs = ["binance.archive_url": archive, "store": "duckdb:\(desk.folder.path)/\(archive.utf8.count).duckdb"]
      return try await Backfill(try desk.context(knobs)).run(from: day, to: day.adding(minutes: 1440), true)
    }
    let address = try #require(try Exchange.shared.get().knobs["binance.archive_url"])
    let there = try await backfill(address)
    let absent = try await backfill(address + "/nowhere")
    #expect(there.archive?.files == 1 && absent.archive?.files == 0)
    #expect(there.archive?.counts.new == absent.fetched)
  }

  @Test func `binary streams are another form at another address with a key`() async throws {
    let knobs = ["binance.encoding": "sbe", "binance.api_key": "key"]
    let result = try await Watch.run(try desk(knobs).context(), .init(channels: Self.streamed, stores: false)) {
      $0.current?.series.contains { $0.counts.trades > 0 && $0.counts.quotes > 0 } == true
    }
    #expect(result.report.feeds[0].counts.undecoded == 0)
    let nowhere = try await Watch.run(
      try desk(knobs.merging(["binance.sbe_url": "ws://127.0.0.1:1"]) { $1 }).context(),
      .init(channels: Self.streamed, stores: false)
    ) { ($0.current?.report.feeds[0].connects ?? 0) > 1 }
    #expect(nowhere.report.feeds[0].counts.messages == 0)
    let keyless = try #require(try await failure(["binance.encoding": "sbe"]))
    #expect(keyless.exitCode == .wrongUsage && keyless.description.contains("CANDLECAST_BINANCE_API_KEY"))
  }

  @Test(arguments: [("exchange", "coinbase-exchange"), ("advanced", "coinbase")])
  func `coinbase is spoken to by either of its interfaces`(interface: String, path: String) async throws {
    let known = try #require(try Exchange.shared.get().knobs["coinbase.api_url"])
    let base = known.replacing("/coinbase-exchange", with: "/\(path)")
    let desk = try desk([
      "market.venue": "sim-coinbase", "coinbase.interface": interface, "coinbase.api_url": base,
      "coinbase.stream_url": base.replacing("http", with: "ws"),
    ])
    let result = try await Watch.run(try desk.context(), .init(channels: Self.streamed, stores: false)) {
      $0.current?.series.contains { $0.counts.trades > 0 && $0.counts.patched > 0 } == true
    }
    #expect(result.report.feeds[0].counts.undecoded == 0)
  }

  // MARK: The oracle

  @Test(arguments: [
    ("data-streams", OracleSource.dataStreams), ("rtds", .relay), ("polybolt", .polybolt), ("on-chain", .onChain),
  ])
  func `the oracle's prices come through the source that is chosen`(name: String, source: OracleSource) async throws {
    let keys = ["polymarket.api_key": "k", "polymarket.api_secret": "s", "polymarket.passphrase": "p"]
    let knobs = try Exchange.calm.get().knobs.merging(keys) { $1 }
    let desk = try Desk(knobs.merging(["market.venue": "sim-chainlink", "chainlink.source": name]) { $1 })
    _ = try await Watch.run(try desk.context(), .init(channels: Self.streamed)) {
      $0.current?.series.contains { $0.counts.ticks > 2 } == true
    }
    let store = try DuckDBStore(path: desk.storePath)
    var sources: Set<OracleSource> = []
    try store.readOracleTicks(Venue("sim-chainlink")!, .bitcoinUSD, in: .all, asOf: .distantFuture) { ticks in
      sources.formUnion(ticks.map(\.tick.source))
    }
    #expect(sources == [source])
  }

  @Test(arguments: [
    ("data-streams", "chainlink.stream_url"), ("rtds", "polymarket.rtds_url"), ("polybolt", "polymarket.polybolt_url"),
    ("on-chain", "chainlink.rpc_url"),
  ])
  func `each source has its address`(source: String, knob: String) throws {
    let desk = try Desk([knob: "ws://one.test,ws://two.test"])
    let endpoints = try VenueCatalogue(configuration: try desk.configuration()).endpoints("chainlink-\(source)")
    #expect((endpoints.streams ?? endpoints.rest).current == "ws://one.test")
    let asked = try VenueCatalogue(configuration: try Desk(["chainlink.api_url": "http://three.test"]).configuration())
      .endpoints("chainlink-data-streams")
    #expect(asked.rest.current == "http://three.test")
  }

  @Test(arguments: [
    ("data-streams", "chainlink.api_key"), ("data-streams", "chainlink.api_secret"), ("polybolt", "polymarket.api_key"),
    ("polybolt", "polymarket.api_secret"), ("polybolt", "polymarket.passphrase"), ("on-chain", "chainlink.rpc_url"),
  ])
  func `what a source needs is asked for by name`(source: String, knob: String) async throws {
    var knobs = [
      "market.venue": "chainlink", "chainlink.source": source, "chainlink.api_key": "a", "chainlink.api_secret": "b",
      "polymarket.api_key": "c", "polymarket.api_secret": "d", "polymarket.passphrase": "e",
    ]
    knobs[knob] = ""
    let error = try #require(try await Watch.refusal(try Desk(knobs).context(), .init()))
    #expect(error.exitCode == .wrongUsage && error.description.contains(knob))
  }

  @Test(arguments: ["ethereum", "arbitrum", "polygon"]) func `the chain chooses the contract`(chain: String) throws {
    let catalogue = VenueCatalogue(configuration: try Desk(["chainlink.chain": chain]).configuration())
    let feed = try #require(
      try catalogue.feed("chainlink-on-chain", Venue("sim-chainlink")!) as? AggregatorProtocol)
    #expect(feed.contract.chain == chain)
  }

  @Test func `a signature with another secret is refused`() async throws {
    let desk = try desk(["market.venue": "sim-chainlink", "chainlink.api_secret": "another"])
    let result = try await Watch.run(try desk.context(), .init(channels: Self.streamed, stores: false)) {
      ($0.current?.report.feeds[0].counts.failedRequests ?? 0) > 0
    }
    #expect(result.report.feeds[0].series[0].counts.ticks == 0)
  }

  // MARK: The network

  @Test func `the clock of a simulator's feed is the simulator's`() async throws {
    let exchange = try Exchange.shared.get()
    let catalogue = VenueCatalogue(configuration: try desk().configuration())
    let asked = exchange.clock.now
    let clock = try await ClockSource(catalogue: catalogue, http: HTTPClient()).clock(of: [Venue("sim-binance")!])
    let before = exchange.clock.now
    let ours = clock.now()
    let after = exchange.clock.now
    // It cannot be known better than to the time that asking took.
    let bound = before.microseconds - asked.microseconds
    #expect(ours.microseconds >= before.microseconds - bound && ours.microseconds <= after.microseconds + bound)
    #expect(clock.speed == exchange.clock.speed)
  }

  @Test func `requests go through the proxy`() async throws {
    // What answers there is no proxy, and says so; without one the name does not resolve.
    let proxy = try #require(try Exchange.shared.get().knobs["binance.api_url"]).replacing("/binance", with: "")
    let knobs = ["binance.api_url": "http://venue.invalid"]
    let direct = try #require(try await failure(knobs))
    let through = try #require(try await failure(knobs.merging(["network.proxy": proxy]) { $1 }))
    #expect(direct.description.contains("does not resolve") && through.description.contains("status 400"))
    let socket = WebSocketClient.Options(try desk(["network.proxy": proxy]).configuration())
    #expect(socket.proxy == proxy)
  }

  @Test func `certificates are those of the file`() async throws {
    let address = try #require(try Exchange.shared.get().knobs["binance.api_url"]).replacing("http", with: "https")
    let knobs = ["binance.api_url": address]
    let usual = try #require(try await failure(knobs))
    let other = try #require(try await failure(knobs.merging(["network.ca_file": "/none.pem"]) { $1 }))
    #expect(usual.exitCode == .unreachable && usual.description.contains("TLS"), "\(usual)")
    #expect(other.description != usual.description && other.description.contains("none.pem"), "\(other)")
    let socket = WebSocketClient.Options(try desk(["network.ca_file": "/none.pem"]).configuration())
    #expect(socket.caFile == "/none.pem")
  }
}
