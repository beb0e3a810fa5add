package import Market

/// A whole store: everything that is kept, in one database. It is used by one task at a time.
package protocol Store: CandleStore, PredictionLog, MarketDataLog, Journal, LiveStore, Maintenance, StreamCheckpoints,
  Transferable
{
  /// Names the store in messages; without any secret.
  var name: String { get }

  /// Of every series that a live feed has followed.
  func ledgerSummaries() throws -> [LedgerSummary]

  /// Of every feed that has any observation.
  func oracleSummaries() throws -> [OracleSummary]

  /// The same database over a connection of its own, so that it can be read while the store is written to. What is
  /// committed meanwhile is seen by what is asked afterwards.
  func reader() throws -> StoreReader

  // MARK: Upkeep

  /// Leaves it to `checkpoint` to fold a log of commits into the database, where a store has one of its own.
  func checkpointOnRequestOnly() throws(StoreError)

  /// Of the log of commits that `checkpoint` would fold in; 0 where the database sees to that itself.
  var logBytes: Int { get }

  /// Folds a log of commits into the database.
  ///
  /// - Returns: `false` if that has to wait for somebody who reads.
  func checkpoint() throws(StoreError) -> Bool

  /// Memory of this process that the database has taken; 0 where it runs elsewhere.
  var memoryBytes: Int { get throws(StoreError) }
}

/// A store to be read, by one task at a time, while its owner goes on.
///
/// `@unchecked` because stores are not `Sendable`: this one has a connection of its own, and whoever made it has no
/// other reference to it.
package struct StoreReader: @unchecked Sendable {
  package let store: any Store
}

/// What a ledger says in all of one series.
package struct LedgerSummary: Hashable, Sendable {
  package let series: Series
  package let kind: LedgerKind
  /// Minutes or trade ids.
  package internal(set) var live: Int64 = 0
  package internal(set) var patched: Int64 = 0
  package internal(set) var missing: Int64 = 0
  package internal(set) var lost: Int64 = 0

  /// - Parameter state: as the table has it.
  mutating func add(_ count: Int64, state: String) {
    switch state {
    case "live": live += count
    case "patched": patched += count
    case "missing": missing += count
    default: lost += count
    }
  }
}

/// What is stored of an oracle's feed.
package struct OracleSummary: Hashable, Sendable {
  package let series: Series
  package let ticks: Int
  package let first: Timestamp
  package let last: Timestamp
}
