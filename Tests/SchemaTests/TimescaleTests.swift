import Market
import TestSupport
import Testing

@testable import Storage

/// What a database with TimescaleDB does by itself.
@Suite(.enabled(if: TestedStore.hasTimescale, "TimescaleDB is not installed for PostgreSQL 15 here"))
struct TimescaleTests {
  @Test func `tables that grow are hypertables, and the store says so`() throws {
    let tested = try TestedStore(.timescale)
    let store = try #require(tested.store as? PostgresStore)
    #expect(try store.partitioning().hasPrefix("hypertables of TimescaleDB 2."))
    let names = try tested.rows("SELECT hypertable_name FROM timescaledb_information.hypertables ORDER BY 1").map {
      $0[0]
    }
    #expect(
      names == [
        "candle_versions", "data_quality_logs", "feature_cache", "market_data", "oracle_minutes", "oracle_ticks",
        "predictions",
      ])
  }

  @Test func `what is told of the size counts their chunks`() throws {
    let tested = try TestedStore(.timescale)
    let before = try tested.store.snapshot().facts()
    #expect(before.others.first { $0.name == "partitions" }?.value == "0")
    try tested.store.write(TestedCandles.walk(seed: 1, count: 20_000, endingAt: Timestamp("2024-03-01")!))
    let facts = try tested.store.snapshot().facts()
    let chunks = try tested.rows("SELECT count(*) FROM timescaledb_information.chunks")[0][0]
    #expect(facts.others.first { $0.name == "partitions" }?.value == chunks && chunks != "0")
    #expect(facts.bytes > before.bytes + 2_000_000)
  }

  @Test func `without the extension they are partitions`() throws {
    let tested = try TestedStore(.postgres)
    let store = try #require(tested.store as? PostgresStore)
    #expect(try store.partitioning() == "partitions of PostgreSQL")
    try store.setPolicies(RetentionPolicy(), compressAfterDays: 7)
  }

  private func jobs(_ tested: TestedStore) throws -> [[String]] {
    try tested.rows(
      """
      SELECT hypertable_name, proc_name, coalesce(config->>'compress_after', config->>'drop_after') AS age
      FROM timescaledb_information.jobs WHERE hypertable_name IS NOT NULL ORDER BY 1, 2
      """)
  }

  @Test func `policies follow the knobs and go with them`() throws {
    let tested = try TestedStore(.timescale)
    var policy = RetentionPolicy()
    policy.featuresDays = 5
    for _ in 0..<2 { try tested.store.setPolicies(policy, compressAfterDays: 3) }
    let jobs = try jobs(tested)
    #expect(jobs.filter { $0[1] == "policy_compression" }.count == 6)
    #expect(
      jobs.filter { $0[1] == "policy_compression" && $0[2] != "3 days" } == [
        ["market_data", "policy_compression", "259200000"]
      ])
    #expect(
      jobs.filter { $0[1] == "policy_retention" } == [
        ["feature_cache", "policy_retention", "5 days"], ["market_data", "policy_retention", "2592000000"],
        ["oracle_minutes", "policy_retention", "396 days"], ["oracle_ticks", "policy_retention", "396 days"],
      ])
    try tested.store.setPolicies(nil, compressAfterDays: 0)
    #expect(try self.jobs(tested).isEmpty)
  }

  @Test func `compressed candles are read, revised and removed like others`() throws {
    let tested = try TestedStore(.timescale)
    let now = Timestamp("2026-11-21T09:30:00Z")!
    var candles = TestedCandles.walk(seed: 5, count: 3000, endingAt: now.adding(minutes: -600 * 1440))
    candles += TestedCandles.walk(seed: 6, count: 3000, endingAt: now.adding(minutes: -30 * 1440))
    try tested.store.write(candles)
    try tested.store.setPolicies(nil, compressAfterDays: 7)
    try tested.run("SELECT compress_chunk(c, if_not_compressed => true) FROM show_chunks('candle_versions') c")
    #expect(try tested.number("SELECT count(*) FROM timescaledb_information.chunks WHERE is_compressed") > 1)
    #expect(try tested.store.candles(Filling.series).map(\.candle) == candles)
    candles[4000] = candles[4000].raised(cents: 7)
    var batch = LiveBatch(knownAt: now)
    batch.candles = [TestedCandles.live(candles[4000])]
    #expect(try tested.store.commit(batch) == [.revised])
    #expect(try tested.store.candles(Filling.series).map(\.candle) == candles)
    let removed = try tested.store.removeExpired(RetentionPolicy(), at: now)
    #expect(removed.candles == 3000)
    #expect(try tested.store.candles(Filling.series).map(\.candle) == Array(candles[3000...]))
  }
}
