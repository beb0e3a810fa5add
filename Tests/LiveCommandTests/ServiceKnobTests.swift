import FoundationEssentials
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

/// Each knob of the service around the core, changed in the configuration and seen in what it does.
struct ServiceKnobTests {
  private func desk(_ knobs: [String: String] = [:]) throws -> Desk {
    try Desk(try Exchange.shared.get().knobs.merging(knobs) { $1 })
  }

  // MARK: What is followed

  @Test func `symbols and venues are those of the lists`() async throws {
    let one = try await Watch.ingest(try desk().context())
    #expect(one.report.feeds.flatMap(\.series).map(\.series.description) == ["sim-binance:BTCUSDT"])
    let knobs = ["market.symbols": "BTCUSDT,ETHUSDT", "market.venues": "sim-bybit"]
    let four = try await Watch.ingest(try desk(knobs).context())
    #expect(
      four.report.feeds.flatMap(\.series).map(\.series.description) == [
        "sim-binance:BTCUSDT", "sim-binance:ETHUSDT", "sim-bybit:BTCUSDT", "sim-bybit:ETHUSDT",
      ])
    #expect(four.report.feeds.allSatisfy { $0.series.allSatisfy { $0.counts.patched >= 4 } })
  }

  @Test func `the seeds' names of the lists and addresses are read`() async throws {
    let exchange = try Exchange.shared.get().knobs
    let desk = try Desk(["store": "duckdb:x"])
    let file = try desk.folder.write(
      "symbols: [BTCUSDT, ETHUSDT]\nexchanges: [sim-binance]\ndata: {backfillBatchSize: 3}\n", to: "c.yaml")
    let places = [
      "CANDLECAST_STORE": "duckdb:\(desk.storePath)", "CANDLECAST_LOG_DIRECTORY": desk.folder.path,
      "BINANCE_API_URL": exchange["binance.api_url"]!, "BINANCE_STREAM_URL": exchange["binance.stream_url"]!,
    ]
    let outcome = await Watch.command(
      ["ingest", "--venue", "sim-binance", "--config", file, "--json"], environment: places)
    // A minute that ends in between is still missing, which the exit code says.
    #expect([.done, .unreachable].contains(outcome.code), "\(outcome.error)")
    #expect(outcome.output.contains("sim-binance:ETHUSDT") && outcome.output.contains("sim-binance:BTCUSDT"))
  }

  // MARK: Health

  @Test func `health is served at the address and at free ports`() async throws {
    let desk = try desk(["server.host": "127.0.0.2"])
    _ = try await Watch.run(try desk.context(), .init(channels: [.klines], servesHealth: true)) { status in
      guard let ports = status.ports else { return false }
      for port in [ports.feeder, try #require(ports.gapHandler)] {
        let answer = try await Watch.get("http://127.0.0.2:\(port)/health")
        #expect(try answer.status == 200 && !isListenedToEverywhere(port))
      }
      return true
    }
  }

  /// Asking at 127.0.0.1 would not tell: there the port may be another test's.
  private func isListenedToEverywhere(_ port: Int) throws -> Bool {
    try String(contentsOfFile: "/proc/net/tcp", encoding: .utf8).split(separator: "\n").contains { line in
      let fields = line.split(separator: " ")
      return fields[1].hasPrefix("00000000:") && Int(fields[1].suffix(4), radix: 16) == port && fields[3] == "0A"
    }
  }

  private final class Nothing: HTTPHandler {
    func handle(_ request: ServerRequest, _ reply: ServerReply) {}
  }

  @Test(arguments: ["server.feeder_port", "server.gap_handler_port", "server.api_port"])
  func `a port is the one that is set, and a taken one ends the command by its name`(knob: String) async throws {
    let holder = try HTTPServer(handler: Nothing())
    let context = try desk(["server.api": "true", "server.api_port": "0"].merging([knob: "\(holder.port)"]) { $1 })
      .context()
    let options = LiveSession.Options(channels: [.klines], servesHealth: true)
    let error = try #require(try await Watch.refusal(context, options))
    #expect(error.exitCode == .unreachable && error.description.contains("127.0.0.1:\(holder.port)"))
    #expect(!FileManager.default.fileExists(atPath: context.stateFolder + "/s.duckdb"), "a store was opened before")
    await holder.stop()
    _ = try await Watch.run(context, options) { status in
      guard let ports = status.ports else { return false }
      let taken = [
        "server.feeder_port": ports.feeder, "server.gap_handler_port": ports.gapHandler, "server.api_port": ports.api,
      ]
      #expect(taken[knob] == holder.port)
      return true
    }
  }

  // MARK: The tape

  @Test func `what is received is recorded in the folder, unless that is switched off`() async throws {
    let desk = try desk()
    let path = desk.folder.path + "/elsewhere"
    for isOn in [true, false] {
      let context = try desk.context(["tape.enabled": "\(isOn)", "tape.directory": path])
      var options = LiveSession.Options(service: context.configuration)
      (options.predicts, options.stores) = (false, false)
      let result = try await Watch.run(context, options) { ($0.current?.report.feeds[0].counts.messages ?? 0) > 3 }
      #expect((result.tape != nil) == isOn)
    }
    let reader = try RecordingReader(path)
    var starts = 0
    while let record = try reader.next() { if record.kind == .start { starts += 1 } }
    #expect(starts == 1)
  }

  @Test func `the recording never grows over its size`() throws {
    let desk = try Desk(["tape.max_megabytes": "16"])
    let tape = try TapeWriter(folder: desk.folder.path + "/t", TapeOptions(try desk.configuration()))
    var random = SplitMix64(seed: 1)
    for time in 0..<160 {
      let noise = (0..<16_384).flatMap { _ in withUnsafeBytes(of: random.next()) { Array($0) } }
      tape.append(TapeRecord(arrivalNanoseconds: Int64(time), source: "a", kind: .text, payload: noise))
      #expect(tape.folderBytes <= 16 << 20)
    }
    #expect(tape.counts.records > 150 && tape.counts.deletedSegments > 0)
  }

  @Test(arguments: [("0.1", 1), ("60", 0)])
  func `what is recorded is on disk so soon`(seconds: String, written: Int) throws {
    let desk = try Desk(["tape.flush_seconds": seconds])
    let tape = try TapeWriter(folder: desk.folder.path + "/t", TapeOptions(try desk.configuration()))
    tape.append(TapeRecord(arrivalNanoseconds: 0, source: "a", kind: .text, payload: [1]))
    tape.advance(to: 200_000_000)
    #expect(tape.counts.records == written)
  }

  // MARK: The store

  @Test(arguments: [3, 40]) func `ingest begins so many minutes ago in an empty store`(limit: Int) async throws {
    let result = try await Watch.ingest(try desk(["ingest.limit": "\(limit)"]).context())
    #expect((limit - 1...limit + 1).contains(result.writer.newCandles))
  }

  /// Submits candles one by one, and gives what the writer did.
  private func write(_ knobs: [String: String]) async throws -> WriterStatistics {
    let desk = try Desk(knobs)
    let path = desk.storePath
    let limits = LiveWriter.Limits(try desk.configuration())
    let writer = try LiveWriter(limits) { () throws(StoreError) in try DuckDBStore(path: path) }
    let series = Series("sim-binance:BTCUSDT")!
    for candle in RandomWalk()(seed: 1, count: 30) {
      var batch = LiveBatch(knownAt: candle.closeTime)
      batch.candles = [LiveCandle(series, CandleRecord(archived: candle))]
      try await writer.submit(batch)
    }
    try await writer.flush()
    let statistics = writer.statistics
    try await writer.close()
    return statistics
  }

  @Test func `so many candles go into one transaction under pressure`() async throws {
    let single = try await write(["ingest.batch_candles": "1", "ingest.max_wait_seconds": "60"])
    let many = try await write(["ingest.batch_candles": "1000", "ingest.max_wait_seconds": "60"])
    #expect(single.transactions == 30 && many.transactions < 30)
    #expect(single.newCandles == 30 && many.newCandles == 30)
  }

  @Test func `whoever has waited so long goes with all the others`() async throws {
    let soon = try await write(["ingest.batch_candles": "1", "ingest.max_wait_seconds": "0.001"])
    #expect(soon.transactions < 30 && soon.newCandles == 30)
  }

  @Test func `so many candles may wait before receiving waits`() async throws {
    let tight = try await write(["ingest.queue_candles": "1", "ingest.batch_candles": "1"])
    let wide = try await write(["ingest.queue_candles": "1000", "ingest.batch_candles": "1"])
    #expect(tight.waits > 0 && wide.waits == 0)
  }

  // MARK: All of them

  private static let liveKnobs = KnobTable.all.filter { knob in
    let live = [
      "network.", "binance.", "binance_us.", "coinbase.", "bybit.", "chainlink.", "polymarket.", "gaps.", "link.",
      "tape.", "monitoring.", "inference.", "server.", "features.cache",
    ]
    let others = [
      "market.symbols", "market.venues", "ingest.limit", "ingest.config", "ingest.batch_candles",
      "ingest.max_wait_seconds", "ingest.queue_candles", "system.enable_recovery",
    ]
    return live.contains { knob.key.hasPrefix($0) } || others.contains(knob.key)
  }

  /// What the united systems had and is otherwise here.
  private static let otherwise: Set = [
    "inference.model_path", "inference.ensemble_weights", "inference.batch_size",
  ]
  /// Of a program beside.
  private static let pgAdmin: Set = ["server.pgadmin_port", "server.pgadmin_password"]

  @Test func `config lists no knob of live data and of serving as unused, but for those that are named`() async throws {
    #expect(Self.liveKnobs.count > 80)
    let desk = try Desk()
    let listed = try await desk.command("config").output.split(separator: "\n")
    for knob in Self.liveKnobs {
      let line = try #require(listed.first { $0.hasPrefix(knob.key + " ") })
      #expect(line.contains("changes nothing") == Self.otherwise.contains(knob.key), "\(line)")
      #expect(line.contains("not used yet") == Self.pgAdmin.contains(knob.key), "\(line)")
    }
  }

  @Test(arguments: Desk.Place.allCases) func `every threshold is read from every place`(place: Desk.Place) throws {
    let knobs = [
      "gaps.threshold_seconds": "81", "gaps.alarm_seconds": "82", "gaps.max_concurrent_backfills": "3",
      "gaps.backfill_timeout_seconds": "84", "gaps.recheck_minutes": "85", "link.silence_seconds": "86",
      "link.rotation_minutes": "87", "link.skew_alarm_milliseconds": "88", "chainlink.poll_seconds": "89",
      "monitoring.completeness_threshold": "0.91", "monitoring.missing_data_threshold": "0.92",
      "monitoring.stale_data_seconds": "93", "monitoring.invalid_values_threshold": "0.94",
      "monitoring.window_minutes": "95", "monitoring.check_seconds": "96", "system.enable_recovery": "false",
      "tape.market_data": "true", "inference.max_feature_age_seconds": "97",
    ]
    let all = LiveThresholds(try Desk().configuration(knobs, in: place))
    var expected = LiveThresholds()
    (expected.gapSeconds, expected.gapAlarmSeconds, expected.backfillsAtOnce) = (81, 82, 3)
    (expected.backfillTimeoutSeconds, expected.recheckMinutes, expected.silenceSeconds) = (84, 85, 86)
    (expected.rotationMinutes, expected.skewAlarmMilliseconds, expected.pollSeconds) = (87, 88, 89)
    (expected.completeness, expected.missing, expected.staleSeconds, expected.invalid) = (0.91, 0.92, 93, 0.94)
    (expected.qualityWindowMinutes, expected.qualityCheckSeconds) = (95, 96)
    (expected.takesUpAgain, expected.makesMarketData, expected.maxTickAgeMilliseconds) = (false, true, 97_000)
    #expect(all == expected)
  }
}
