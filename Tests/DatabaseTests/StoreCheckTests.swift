import Market
import TestSupport
import Testing

@testable import Storage

struct StoreCheckTests {
  private let folder: TemporaryFolder
  private let store: DuckDBStore

  init() throws {
    folder = try TemporaryFolder()
    store = try DuckDBStore(path: folder.file("store.duckdb"))
    try store.fillWithEverything()
  }

  @Test func `a store that was written by the program has no findings`() throws {
    let report = try StoreCheck.run(store.snapshot())
    #expect(report.findings == [])
    #expect(report.checks == StoreRule.all.count)
    #expect(report.rows == (try StoreContents(store).rows))
  }

  /// What was done to the store, and words of the finding that names it.
  @Test(arguments: [
    ("UPDATE series SET row_count = row_count + 1 WHERE venue = 'coinbase'", "series: coinbase BTC-USD: the summary"),
    ("UPDATE series SET last_open = '2031-01-01' WHERE venue = 'binance'", "series: binance BTCUSDT: the summary"),
    ("DELETE FROM series WHERE venue = 'coinbase'", "candles of no series"),
    ("INSERT INTO series SELECT * FROM series WHERE venue = 'coinbase'", "the series is there twice"),
    ("DELETE FROM candle_versions WHERE revision = 1", "binance BTCUSDT 2024-03-03 01:40:00+00: its versions"),
    (
      "UPDATE candle_versions SET open_time = open_time + INTERVAL '1 second' WHERE open_time = '2024-03-01 00:05:00Z'",
      "2024-03-01 00:05:01+00: a candle that does not open on a whole minute"
    ),
    (
      "UPDATE candle_versions SET high = low / 2 WHERE open_time = '2024-03-01 00:07:00Z'",
      "2024-03-01 00:07:00+00: prices"
    ),
    ("UPDATE candle_versions SET volume = -1 WHERE open_time = '2024-03-01 00:07:00Z'", "amounts"),
    (
      "UPDATE candle_versions SET available_at = known_at - INTERVAL '1 second' WHERE revision = 2",
      "a revision that was available before it was stored"
    ),
    ("UPDATE candle_versions SET known_at = '2020-01-01' WHERE revision = 2", "not stored after the version before it"),
    ("UPDATE gap_ledger SET range_to = range_from WHERE range_from = 50", "a run that is empty"),
    ("UPDATE gap_ledger SET state = 'asleep' WHERE range_from = 50", "asleep"),
    ("UPDATE gap_ledger SET range_to = 1000 WHERE range_from = 50", "begins before the one before it ends"),
    ("UPDATE oracle_minutes SET revision = revision + 1", "oracle_minutes: chainlink BTC/USD"),
    ("UPDATE oracle_minutes SET low = high + 1", "prices"),
    ("INSERT INTO oracle_ticks SELECT * FROM oracle_ticks LIMIT 1", "an observation that is there twice"),
    ("INSERT INTO predictions SELECT * FROM predictions LIMIT 1", "a prediction that is there twice"),
    ("UPDATE predictions SET probability_up = 1.5 WHERE version = 'v1'", "not between 0 and 1: 1.5"),
  ])
  func `each contradiction is found and named`(damage: String, words: String) throws {
    try store.session.run(damage)
    let findings = try StoreCheck.run(store.snapshot()).findings.map(\.description)
    #expect(findings.contains { $0.contains(words) }, "\(findings)")
  }
}
