import Market

extension DuckDBStore: Store {
  package func reader() throws -> StoreReader { StoreReader(store: try DuckDBStore(beside: self)) }

  package func ledgerSummaries() throws -> [LedgerSummary] {
    let result = try session.query("SELECT DISTINCT venue, symbol, kind FROM gap_ledger ORDER BY venue, symbol, kind")
    var summaries: [LedgerSummary] = []
    try result.forEachRow { chunk, row throws(StoreError) in
      guard let venue = Venue(chunk.column(0).text(row)), let symbol = Symbol(chunk.column(1).text(row)),
        let kind = LedgerKind(rawValue: chunk.column(2).text(row))
      else { throw .corrupt(path: path, reason: "the ledger has a row of no series") }
      summaries.append(LedgerSummary(series: Series(venue, symbol), kind: kind))
    }
    for place in summaries.indices {
      for run in try tables.ledger(summaries[place].series, summaries[place].kind).map.runs {
        summaries[place].add(run.range.upperBound - run.range.lowerBound, state: run.state.name)
      }
    }
    return summaries
  }

  package func oracleSummaries() throws -> [OracleSummary] {
    let result = try session.query(
      """
      SELECT venue, feed, count(*), min(observed_at), max(observed_at) FROM oracle_ticks
      GROUP BY venue, feed ORDER BY venue, feed
      """, [])
    var summaries: [OracleSummary] = []
    try result.forEachRow { chunk, row throws(StoreError) in
      guard let venue = Venue(chunk.column(0).text(row)), let feed = Symbol(chunk.column(1).text(row)) else {
        throw .corrupt(path: path, reason: "an observation is of no feed")
      }
      let count: Int64 = chunk.column(2).value(row)
      summaries.append(
        OracleSummary(
          series: Series(venue, feed), ticks: Int(count), first: chunk.column(3).time(row),
          last: chunk.column(4).time(row)))
    }
    return summaries
  }
}
