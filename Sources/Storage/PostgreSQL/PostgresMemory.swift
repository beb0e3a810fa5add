import Market

/// What a store remembers of its rows between commits, so that they need not be looked up again.
///
/// Each series has the number of the transactions that it stands for; a commit that finds another number in the table
/// knows that it remembers too little.
struct PostgresMemory {
  struct Entry {
    var live: LiveSeries
    var writes: Int64

    init(_ entry: PostgresEntry) { (live, writes) = (LiveSeries(entry.entry), entry.writes) }
  }

  var series: [Series: Entry] = [:]
  var ledgers: [LiveMemory.LedgerKey: LedgerMap] = [:]
}
