import Market

/// Stored versions of candles, by open time and revision.
struct VersionWindow {
  private(set) var records: [CandleRecord] = []
  /// Of each record.
  private(set) var revisions: [Int32] = []
  private var isSorted = true
  private var hasRevisions = false

  /// - Parameter minutes: of the window, so that it grows only for revisions.
  init(minutes: Int = 0) {
    records.reserveCapacity(minutes)
    revisions.reserveCapacity(minutes)
  }

  var isEmpty: Bool { records.isEmpty }

  mutating func append(_ record: CandleRecord, revision: Int32) {
    if let last = records.last, record.candle.openTime < last.candle.openTime { isSorted = false }
    if revision > 0 { hasRevisions = true }
    records.append(record)
    revisions.append(revision)
  }

  /// Puts the rows in order and keeps the last version of each minute.
  mutating func keepNewest() {
    guard !isSorted || hasRevisions else { return }
    let order = records.indices.sorted { a, b in
      let (first, second) = (records[a].candle.openTime, records[b].candle.openTime)
      return first == second ? revisions[a] < revisions[b] : first < second
    }
    let newest = order.indices.filter { place in
      place + 1 == order.count || records[order[place]].candle.openTime != records[order[place + 1]].candle.openTime
    }
    (records, revisions) = (newest.map { records[order[$0]] }, newest.map { revisions[order[$0]] })
    (isSorted, hasRevisions) = (true, false)
  }
}
