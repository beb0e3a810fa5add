/// How long a server may take and how many connections it is asked for.
package struct PostgresLimits: Hashable, Sendable {
  /// For one host to answer, unless the address has `connect_timeout`.
  package var connectSeconds = 10
  /// For one statement; 0 for ever.
  package var statementSeconds = 60
  /// For rows that another writer holds.
  package var lockSeconds = 10
  /// Open at once, of one pool.
  package var connections = 4
  /// Days of rows in one chunk of a hypertable.
  package var chunkDays = 7
  /// Days of rows in one partition. To make one takes as long as to copy two thousand candles, so that weeks of them
  /// cost an import a fifth of its speed.
  package var partitionDays = 28

  package init() {}
}
