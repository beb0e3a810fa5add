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

/// What `status`, `gaps` and `doctor` tell of a live feed.
struct InspectionTests {
  private static let series = Series("sim-binance:BTCUSDT")!
  private static let first = RandomWalk.firstMinute

  private func at(_ minute: Int64) -> Timestamp { Timestamp(minute: Self.first + minute) }

  /// Candles of 20 minutes without 5…9 and 12, a ledger of some of that, and beyond both ends.
  private func filled() throws -> Desk {
    let desk = try Desk()
    let store = try DuckDBStore(path: desk.storePath, mode: .create)
    var batch = LiveBatch(knownAt: at(40))
    let absent: Set<Int> = [5, 6, 7, 8, 9, 12]
    for (index, candle) in RandomWalk()(seed: 1, count: 20).enumerated() where !absent.contains(index) {
      batch.candles.append(LiveCandle(Self.series, CandleRecord(archived: candle)))
    }
    func minutes(_ from: Int64, _ to: Int64, _ state: LedgerState) -> LedgerRange {
      LedgerRange(Self.series, .minutes, Self.first + from..<Self.first + to, state, since: at(40))
    }
    batch.ledger = [
      minutes(-3, 0, .lost(reason: "too old")), minutes(0, 5, .live), minutes(5, 7, .missing),
      minutes(7, 9, .lost(reason: "the venue has none")), minutes(10, 12, .patched(from: "binance rest")),
      minutes(13, 20, .live), minutes(20, 22, .missing),
      LedgerRange(Self.series, .trades, 100..<200, .live, since: at(40)),
      LedgerRange(Self.series, .trades, 200..<210, .lost(reason: "gone"), since: at(40)),
    ]
    batch.quality = [
      QualityEvent(series: Self.series, type: "stale", createdAt: at(30), details: #"{"value":400}"#),
      QualityEvent(series: Self.series, type: "gap", createdAt: at(20), resolvedAt: at(21)),
    ]
    let tick = OracleTick(feed: .bitcoinUSD, source: .relay, time: at(3), price: OraclePrice("30000.5")!)
    batch.ticks = [OracleTickRecord(venue: Venue("sim-chainlink")!, tick: tick, availableAt: at(3))]
    try store.commit(batch)
    return desk
  }

  @Test func `status lists candles, oracles, the ledger in numbers, and open events`() async throws {
    let shown = try await filled().command("status")
    #expect(shown.code == .done, "\(shown.error)")
    let lines = shown.output.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: true) }
    func has(_ words: String...) -> Bool { lines.contains { $0.prefix(words.count).map(String.init) == words } }
    #expect(has("sim-binance:BTCUSDT", "14", "\(at(0))", "\(at(19))", "0"))
    #expect(has("sim-chainlink:BTC/USD", "1", "\(at(3))", "\(at(3))"))
    #expect(has("sim-binance:BTCUSDT", "minutes", "12", "2", "4", "5"))
    #expect(has("sim-binance:BTCUSDT", "trades", "100", "0", "0", "10"))
    #expect(has("stale", "sim-binance:BTCUSDT", "\(at(30))"))
    #expect(!shown.output.contains("gap "))
  }

  @Test func `status of an empty store says so`() async throws {
    let desk = try Desk()
    _ = try DuckDBStore(path: desk.storePath, mode: .create)
    let shown = try await desk.command("status")
    #expect(shown.output.contains("holds no candles"))
  }

  @Test func `gaps says of each absent minute what the ledger says`() async throws {
    let shown = try await filled().command("gaps")
    #expect(shown.code == .done, "\(shown.error)")
    let lines = shown.output.split(separator: "\n").map(String.init)
    #expect(lines[0].contains("14 candles, 11 absent minutes"))
    func line(_ from: Int64, _ to: Int64, _ account: String) -> String {
      "absent    \(at(from)) – \(at(to))  \(to - from) min  \(account)"
    }
    #expect(
      Array(lines.dropFirst().prefix(6)) == [
        line(5, 7, "missing: a live feed or ingest fetches it"), line(7, 9, "lost: the venue has none"),
        line(9, 10, "not looked for"), line(12, 13, "not looked for"), line(-3, 0, "lost: too old"),
        line(20, 22, "missing: a live feed or ingest fetches it"),
      ], "\(shown.output)")
    #expect(lines.contains("trades    200 – 209  10 ids  lost: gone"))
  }

  @Test func `gaps of a stretch tells no more than the stretch`() async throws {
    let shown = try await filled().command("gaps", "--from", "\(at(6))", "--to", "\(at(11))", "--json")
    #expect(shown.output.contains("\"minutes\": 1") && shown.output.contains("\"reason\": \"the venue has none\""))
    #expect(!shown.output.contains("too old") && !shown.output.contains("\(at(5))"))
  }

  @Test func `doctor looks at what a live feed needs`() throws {
    let desk = try Desk()
    let holder = try HTTPServer(handler: Nothing())
    let findings = Diagnosis.all(try desk.context(["server.feeder_port": "\(holder.port)"]))
    func of(_ subject: String) -> [Finding] { findings.filter { $0.subject == subject } }
    #expect(of("network").first?.fact.contains("libcurl/") == true)
    #expect(of("network").first?.fact.contains("OpenSSL 3") == true)
    #expect(of("port").map(\.state) == [.warning, .fine])
    #expect(of("port").first?.fact.contains(":\(holder.port)") == true)
    #expect(of("clock").first?.state == .fine && of("tape").first?.state == .fine)
    #expect(Diagnosis.tape(try desk.configuration(["tape.enabled": "false"])).state == .warning)
    #expect(Diagnosis.tape(try desk.configuration(["tape.directory": "/proc/version"])).state == .missing)
  }

  private final class Nothing: HTTPHandler {
    func handle(_ request: ServerRequest, _ reply: ServerReply) {}
  }
}
