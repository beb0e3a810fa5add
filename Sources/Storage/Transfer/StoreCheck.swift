/// Reads a whole store and looks for contradictions.
package enum StoreCheck {
  package struct Finding: Hashable, Sendable, CustomStringConvertible {
    /// The table.
    package let subject: String
    /// Which rows.
    package let place: String
    package let fact: String

    package var description: String { "\(subject): \(place): \(fact)" }
  }

  package struct Report: Hashable, Sendable {
    package internal(set) var rows = 0
    package internal(set) var checks = 0
    package internal(set) var findings: [Finding] = []
  }

  /// Of one check; more are counted.
  private static let shown = 20

  /// - Parameter note: hears how many rows were read; an error from it ends everything.
  package static func run(_ snapshot: any StoreSnapshot, note: (Int) throws -> Void = { _ in }) throws -> Report {
    var report = Report()
    let tables = try snapshot.tables()
    for table in tables {
      // What cannot be read back is an error of the database, which says where.
      try snapshot.read(table) { batch in
        report.rows += batch.count
        try note(report.rows)
      }
    }
    let names = Set(tables.map(\.name))
    for rule in StoreRule.all where names.isSuperset(of: rule.tables) {
      report.checks += 1
      let rows = try snapshot.cells("SELECT * FROM (\(rule.query)) AS found LIMIT \(shown + 1)")
      report.findings += rows.prefix(shown).map { row in finding(rule, row) }
      if rows.count > shown {
        report.findings.append(Finding(subject: rule.tables[0], place: "and further rows", fact: rule.fact))
      }
    }
    return report
  }

  private static func finding(_ rule: StoreRule, _ row: [String?]) -> Finding {
    let names = row.prefix(rule.places).map { $0 ?? "null" }.joined(separator: " ")
    let facts = row.dropFirst(rule.places).map { $0 ?? "null" }.joined(separator: ", ")
    return Finding(subject: rule.tables[0], place: names, fact: facts.isEmpty ? rule.fact : "\(rule.fact): \(facts)")
  }
}

/// Something that holds for the rows of every store, as a query for those for which it does not.
struct StoreRule {
  /// That must be there; the first one is what is judged.
  let tables: [String]
  /// What is wrong with a row that the query gives.
  let fact: String
  /// So many of its columns say which row; what follows are values.
  let places: Int
  /// In SQL that both databases take.
  let query: String

  static let all = summaries + candles + ledger + oracles + predictions

  private static let summaries = [
    StoreRule(
      tables: ["series", "candle_versions"],
      fact: "the summary (minutes, revisions, first, last) is not what the candles are", places: 2,
      query: """
        SELECT s.venue, s.symbol, s.row_count, s.revisions, s.first_open, s.last_open, v.minutes, v.revised,
          v.first_minute, v.last_minute
        FROM series s LEFT JOIN (
          SELECT series, sum(CASE WHEN revision = 0 THEN 1 ELSE 0 END) AS minutes,
            sum(CASE WHEN revision > 0 THEN 1 ELSE 0 END) AS revised, min(open_time) AS first_minute,
            max(open_time) AS last_minute
          FROM candle_versions GROUP BY series) v ON v.series = s.id
        WHERE s.row_count <> coalesce(v.minutes, 0) OR s.revisions <> coalesce(v.revised, 0)
          OR s.first_open <> v.first_minute OR s.last_open <> v.last_minute
        """),
    StoreRule(
      tables: ["series"], fact: "the series is there twice", places: 2,
      query: "SELECT venue, symbol FROM series GROUP BY venue, symbol HAVING count(*) > 1"),
    StoreRule(
      tables: ["series"], fact: "two series have this number", places: 1,
      query: "SELECT id FROM series GROUP BY id HAVING count(*) > 1"),
    StoreRule(
      tables: ["candle_versions", "series"], fact: "candles of no series", places: 1,
      query: """
        SELECT v.series, count(*) FROM candle_versions v LEFT JOIN series s ON s.id = v.series
        WHERE s.id IS NULL GROUP BY v.series
        """),
  ]

  private static let candles = [
    StoreRule(
      tables: ["candle_versions", "series"], fact: "its versions do not count 0, 1, 2, …; there are", places: 3,
      query: """
        SELECT s.venue, s.symbol, v.open_time, count(*), min(v.revision), max(v.revision)
        FROM candle_versions v JOIN series s ON s.id = v.series GROUP BY s.venue, s.symbol, v.open_time
        HAVING min(v.revision) <> 0 OR max(v.revision) <> count(*) - 1 OR count(DISTINCT v.revision) <> count(*)
        """),
    StoreRule(
      tables: ["candle_versions", "series"], fact: "a candle that does not open on a whole minute", places: 3,
      query: """
        SELECT s.venue, s.symbol, v.open_time FROM candle_versions v JOIN series s ON s.id = v.series
        WHERE extract(microseconds FROM v.open_time) <> 0
        """),
    StoreRule(
      tables: ["candle_versions", "series"], fact: "prices (open, high, low, close) that cannot be", places: 3,
      query: """
        SELECT s.venue, s.symbol, v.open_time, v.open, v.high, v.low, v.close
        FROM candle_versions v JOIN series s ON s.id = v.series
        WHERE v.low <= 0 OR v.low > v.open OR v.low > v.close OR v.high < v.open OR v.high < v.close
          OR v.high >= 1000000000000
        """),
    StoreRule(
      tables: ["candle_versions", "series"],
      fact: "amounts (volume, quote volume, trades, taker's base and quote) below 0", places: 3,
      query: """
        SELECT s.venue, s.symbol, v.open_time, v.volume, v.quote_volume, v.trades, v.taker_buy_base, v.taker_buy_quote
        FROM candle_versions v JOIN series s ON s.id = v.series
        WHERE v.volume < 0 OR v.quote_volume < 0 OR v.trades < 0 OR v.taker_buy_base < 0 OR v.taker_buy_quote < 0
        """),
    StoreRule(
      tables: ["candle_versions", "series"], fact: "a revision that was available before it was stored", places: 4,
      query: """
        SELECT s.venue, s.symbol, v.open_time, v.revision, v.available_at, v.known_at
        FROM candle_versions v JOIN series s ON s.id = v.series WHERE v.revision > 0 AND v.available_at < v.known_at
        """),
    StoreRule(
      tables: ["candle_versions", "series"], fact: "a revision that was not stored after the version before it",
      places: 4,
      query: """
        SELECT s.venue, s.symbol, v.open_time, v.revision, old.known_at, v.known_at
        FROM candle_versions v JOIN series s ON s.id = v.series
        JOIN candle_versions old
          ON old.series = v.series AND old.open_time = v.open_time AND old.revision = v.revision - 1
        WHERE v.revision > 0 AND v.known_at <= old.known_at
        """),
  ]

  private static let ledger = [
    StoreRule(
      tables: ["gap_ledger"], fact: "a run that is empty or of no known kind or state", places: 4,
      query: """
        SELECT venue, symbol, kind, range_from, range_to, state FROM gap_ledger
        WHERE range_from >= range_to OR kind NOT IN ('minutes', 'trades')
          OR state NOT IN ('live', 'missing', 'patched', 'lost')
        """),
    StoreRule(
      tables: ["gap_ledger"], fact: "a run that begins before the one before it ends", places: 4,
      query: """
        SELECT venue, symbol, kind, range_from, before FROM (
          SELECT venue, symbol, kind, range_from,
            lag(range_to) OVER (PARTITION BY venue, symbol, kind ORDER BY range_from, range_to) AS before
          FROM gap_ledger) AS runs
        WHERE before > range_from
        """),
  ]

  private static let oracles = [
    StoreRule(
      tables: ["oracle_minutes"], fact: "its versions do not count 0, 1, 2, …; there are", places: 3,
      query: """
        SELECT venue, feed, open_time, count(*), min(revision), max(revision) FROM oracle_minutes
        GROUP BY venue, feed, open_time
        HAVING min(revision) <> 0 OR max(revision) <> count(*) - 1 OR count(DISTINCT revision) <> count(*)
        """),
    StoreRule(
      tables: ["oracle_minutes"], fact: "prices (open, high, low, close) that cannot be, or not of a whole minute",
      places: 3,
      query: """
        SELECT venue, feed, open_time, open, high, low, close FROM oracle_minutes
        WHERE low > open OR low > close OR high < open OR high < close OR extract(microseconds FROM open_time) <> 0
        """),
    StoreRule(
      tables: ["oracle_ticks"], fact: "an observation that is there twice", places: 6,
      query: """
        SELECT venue, feed, source, quantity, seconds, observed_at FROM oracle_ticks
        GROUP BY venue, feed, source, quantity, seconds, observed_at HAVING count(*) > 1
        """),
  ]

  private static let predictions = [
    StoreRule(
      tables: ["predictions"], fact: "a prediction that is there twice", places: 6,
      query: """
        SELECT time, market_view, target, model_name, version, mode FROM predictions
        GROUP BY time, market_view, target, model_name, version, mode HAVING count(*) > 1
        """),
    StoreRule(
      tables: ["predictions"], fact: "a probability or a confidence that is not between 0 and 1", places: 5,
      query: """
        SELECT time, market_view, target, model_name, version, probability_up, confidence FROM predictions
        WHERE NOT (probability_up BETWEEN 0 AND 1) OR NOT (confidence BETWEEN 0 AND 1)
        """),
  ]
}
