import FoundationEssentials
import Glibc
import Market
import Storage
import TestSupport
import Testing

/// Commands that fetch or record and end.
@Suite(.serialized) struct OneShotTests {
  private struct Stats: Decodable {
    let new_rows: Int
    let total_rows: Int
  }

  private func stats(_ folder: TemporaryFolder) throws -> Stats {
    let data = try #require(FileManager.default.contents(atPath: folder.file("feature_store/ingestion_stats.json")))
    return try JSONDecoder().decode(Stats.self, from: data)
  }

  @Test func `ingesting again adds nothing but what has happened since`() async throws {
    let rehearsal = try await Rehearsal(Rehearsal.candles(hours: 48), speed: 1, streamedHours: 12)
    let folder = try TemporaryFolder()
    let first = try rehearsal.candlecast(["ingest", "--venue", "sim-binance"], in: folder, name: "first")
    #expect(try await first.end() == .exited(0), "\(first.error)")
    let before = try stats(folder)
    #expect(before.new_rows == before.total_rows)
    #expect(before.new_rows >= 1000)
    let second = try rehearsal.candlecast(["ingest", "--venue", "sim-binance"], in: folder, name: "second")
    #expect(try await second.end() == .exited(0), "\(second.error)")
    let after = try stats(folder)
    #expect(after.new_rows == after.total_rows - before.total_rows)
    #expect(after.new_rows <= 1)
    let store = try folder.store()
    let start = try #require(try store.summary(of: Rehearsal.series)).firstOpenTime
    try expectWhole(store, Rehearsal.series, truth: try await rehearsal.truth(from: start))
  }

  @Test(arguments: Soak.seeds(2))
  func `a backfill that is killed goes on where it was`(seed: UInt64) async throws {
    let rehearsal = try await Rehearsal(Rehearsal.candles(hours: 24 * 12), speed: 1, streamedHours: 12)
    let folder = try TemporaryFolder()
    let start = try #require(Timestamp(rehearsal.announcement.start))
    let words = [
      "backfill", "--venue", "sim-binance", "--from", "\(start.adding(minutes: -10 * 1440))", "--to",
      "\(start.adding(minutes: -60))",
    ]
    var random = SplitMix64(seed: seed)
    for _ in 0..<3 {
      let killed = try rehearsal.candlecast(words, in: folder)
      let end = ContinuousClock.now + .milliseconds(Int.random(in: 20...600, using: &random))
      while ContinuousClock.now < end, killed.ending == nil { try await Task.sleep(for: .milliseconds(1)) }
      killed.kill()
    }
    let whole = try rehearsal.candlecast(words, in: folder)
    #expect(try await whole.end() == .exited(0), "\(whole.error)")
    let store = try folder.store()
    let stored = try store.candles(Rehearsal.series).map(\.candle)
    // The archive has whole days only.
    let first = try #require(stored.first).openTime
    #expect(first <= start.adding(minutes: -10 * 1440))
    let truth = try await rehearsal.truth(from: first).filter { $0.openTime < start.adding(minutes: -60) }
    #expect(stored.count == truth.count)
    #expect(zip(stored, truth).first { $0 != $1 } == nil)
    #expect(try store.summary(of: Rehearsal.series)?.revisions == 0)
  }

  @Test func `a file that is published again becomes revisions`() async throws {
    var candles = Rehearsal.candles(hours: 24 * 6)
    let folder = try TemporaryFolder()
    var times: [Timestamp] = []
    for round in 0..<2 {
      if round == 1 { candles[2000] = candles[2000].raised(cents: 1) }
      let rehearsal = try await Rehearsal(candles, speed: 1, streamedHours: 12, ["--original-time"])
      let start = try #require(Timestamp(rehearsal.announcement.start))
      times.append(start)
      let program = try rehearsal.candlecast(
        [
          "backfill", "--venue", "sim-binance", "--from", "\(candles[0].openTime)", "--to",
          "\(start.adding(minutes: -60))", "--json",
        ], in: folder, name: "backfill\(round)")
      #expect(try await program.end() == .exited(0), "\(program.error)")
    }
    #expect(times[0] == times[1])
    let store = try folder.store()
    let changed = candles[2000]
    #expect(try store.summary(of: Rehearsal.series)?.revisions == 1)
    let stored = try store.candles(Rehearsal.series).map(\.candle)
    #expect(stored.first { $0.openTime == changed.openTime } == changed)
  }

  @Test func `what is recorded can be played back`() async throws {
    let rehearsal = try await Rehearsal(Rehearsal.candles(hours: 48), speed: 600, streamedHours: 12)
    let folder = try TemporaryFolder()
    let record = try rehearsal.candlecast(["record", "--venue", "sim-binance", "--out", "tapes"], in: folder)
    _ = try await Wait.until("a recording", record) {
      let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.file("tapes"))) ?? []
      let bytes = files.reduce(0) { sum, file in
        var facts = stat()
        return stat(folder.file("tapes/" + file), &facts) == 0 ? sum + Int(facts.st_size) : sum
      }
      return bytes > 200_000 ? true : nil
    }
    record.send(SIGTERM)
    #expect(try await record.end() == .exited(0), "\(record.error)")
    #expect(!FileManager.default.fileExists(atPath: folder.storePath))
    let replay = try rehearsal.candlecast(
      [
        "replay", "--recording", "tapes", "--venue", "sim-binance", "--store",
        "duckdb:" + folder.file("replayed.duckdb"),
      ], in: folder, name: "replay")
    #expect(try await replay.end() == .exited(0), "\(replay.error)")
    let store = try DuckDBStore(path: folder.file("replayed.duckdb"), mode: .readOnly)
    let first = try #require(try store.summary(of: Rehearsal.series)).firstOpenTime
    try expectWhole(store, Rehearsal.series, truth: try await rehearsal.truth(from: first))
  }
}
