import Market
import Storage

/// Adds rows of `market_data` that are not stored yet. Several equal rows of one time are several trades, so they are
/// counted and not merely looked for; that needs all rows of a time together.
struct MarketDataMerge {
  /// Rows that are compared together.
  private static let usual = 20_000
  private static let most = 1_000_000

  private(set) var counts = WriteCounts()
  /// Of the first row.
  private(set) var series: Series?
  private let store: any Store
  private var waiting: [MarketDataRecord] = []
  private var last = Timestamp.distantPast

  init(_ store: any Store) { self.store = store }

  mutating func add(_ record: MarketDataRecord, file: String, row: Int) throws {
    guard record.row.time >= last else {
      throw ArchiveError.badRow(file: file, row: row, reason: "the times of the rows do not rise up to here")
    }
    if waiting.count >= Self.usual, record.row.time > last { try flush() }
    guard waiting.count < Self.most else {
      throw ArchiveError.badRow(file: file, row: row, reason: "more than \(Self.most) rows have one time")
    }
    series = series ?? record.row.series
    last = record.row.time
    waiting.append(record)
  }

  mutating func finish() throws { try flush() }

  private mutating func flush() throws {
    guard let first = waiting.first else { return }
    let range = first.row.time..<last.adding(microseconds: 1)
    var stored: [MarketDataRow: Int] = [:]
    for series in Set(waiting.map(\.row.series)) {
      try store.readMarketData(series, in: range) { batch in
        for record in batch { stored[record.row, default: 0] += 1 }
      }
    }
    var batches: [LiveBatch] = []
    for record in waiting {
      if let count = stored[record.row], count > 0 {
        stored[record.row] = count - 1
        counts.unchanged += 1
        continue
      }
      if batches.last?.knownAt != record.knownAt { batches.append(LiveBatch(knownAt: record.knownAt)) }
      batches[batches.count - 1].marketData.append(record.row)
      counts.new += 1
    }
    if !batches.isEmpty { try store.commit(batches) }
    waiting.removeAll(keepingCapacity: true)
  }
}
