import Market
import Storage

/// A store in memory that keeps what a live feed gives as the real one does.
final class ModelStore: CandleStore, LiveStore {
  private struct LedgerKey: Hashable {
    let series: Series
    let kind: LedgerKind
  }

  private struct EventKey: Hashable {
    let series: Series
    let type: String
    let createdAt: Timestamp
  }

  private var versions: [Series: [Timestamp: [CandleRecord]]] = [:]
  private var ledgers: [LedgerKey: LedgerMap] = [:]
  private var events: [EventKey: QualityEvent] = [:]
  private var ticks: [Series: [TickKey: OracleTickRecord]] = [:]
  private var oracleMinutes: [Series: [Timestamp: OracleMinute]] = [:]

  private struct TickKey: Hashable {
    let source: OracleSource
    let quantity: OracleTick.Quantity
    let time: Timestamp
  }

  // MARK: Live

  func commit(_ batches: [LiveBatch]) throws -> [[CandleOutcome]] {
    batches.map { batch in
      for range in batch.ledger {
        ledgers[LedgerKey(series: range.series, kind: range.kind), default: LedgerMap()].set(
          range.range, range.state, since: range.since)
      }
      for event in batch.quality {
        events[EventKey(series: event.series, type: event.type, createdAt: event.createdAt)] = event
      }
      for record in batch.ticks {
        let key = TickKey(source: record.tick.source, quantity: record.tick.quantity, time: record.tick.time)
        let series = Series(record.venue, record.tick.feed)
        if ticks[series]?[key] == nil { ticks[series, default: [:]][key] = record }
      }
      for record in batch.oracleMinutes {
        oracleMinutes[Series(record.venue, record.minute.feed), default: [:]][record.minute.openTime] = record.minute
      }
      return batch.candles.map { store($0, knownAt: batch.knownAt) }
    }
  }

  private func store(_ candle: LiveCandle, knownAt: Timestamp) -> CandleOutcome {
    let time = candle.record.candle.openTime
    var record = candle.record
    record.knownAt = knownAt
    guard let old = versions[candle.series]?[time]?.last else {
      versions[candle.series, default: [:]][time] = [record]
      return .new
    }
    guard !old.candle.covers(record.candle) else { return .unchanged }
    record.knownAt = max(knownAt, old.knownAt.adding(microseconds: 1))
    record.availableAt = max(record.availableAt, record.knownAt)
    versions[candle.series]?[time]?.append(record)
    return .revised
  }

  func ledger(_ series: Series, _ kind: LedgerKind) throws -> [LedgerRange] {
    (ledgers[LedgerKey(series: series, kind: kind)]?.runs ?? []).map {
      LedgerRange(series, kind, $0.range, $0.state, since: $0.since)
    }
  }

  func qualityEvents(
    _ series: Series?, in range: Range<Timestamp>, unresolvedOnly: Bool, limit: Int
  ) throws -> [QualityEvent] {
    let chosen = events.values.filter {
      (series == nil || $0.series == series) && (!unresolvedOnly || $0.resolvedAt == nil)
        && range.contains($0.createdAt)
    }
    return Array(chosen.sorted { ($0.createdAt, $1.type) > ($1.createdAt, $0.type) }.prefix(limit))
  }

  func readOracleTicks(
    _ venue: Venue, _ feed: Symbol, in range: Range<Timestamp>, asOf: Timestamp,
    _ body: ([OracleTickRecord]) throws -> Void
  ) throws {
    let found = (ticks[Series(venue, feed)] ?? [:]).values.filter { range.contains($0.tick.time) }
    try body(found.sorted { $0.tick.time < $1.tick.time })
  }

  func readOracleMinutes(
    _ venue: Venue, _ feed: Symbol, in range: Range<Timestamp>, asOf: Timestamp, _ body: ([OracleMinute]) throws -> Void
  ) throws {
    let found = (oracleMinutes[Series(venue, feed)] ?? [:]).values.filter { range.contains($0.openTime) }
    try body(found.sorted { $0.openTime < $1.openTime })
  }

  // MARK: Candles

  func status() throws -> [SeriesSummary] { try versions.keys.compactMap { try summary(of: $0) } }

  func summary(of series: Series) throws -> SeriesSummary? {
    guard let minutes = versions[series], let first = minutes.keys.min(), let last = minutes.keys.max() else {
      return nil
    }
    return SeriesSummary(
      series: series, rows: minutes.count, firstOpenTime: first, lastOpenTime: last,
      revisions: minutes.values.reduce(0) { $0 + $1.count - 1 })
  }

  func readCandles(
    _ series: Series, in range: Range<Timestamp>, asOf: Timestamp, _ body: ([CandleRecord]) throws -> Void
  ) throws {
    let found = known(series, range, asOf).compactMap(\.last?.record)
    if !found.isEmpty { try body(found) }
  }

  func revisions(_ series: Series, in range: Range<Timestamp>, asOf: Timestamp) throws -> [CandleRevision] {
    known(series, range, asOf).filter { $0.count > 1 }.flatMap(\.self)
  }

  private func known(_ series: Series, _ range: Range<Timestamp>, _ asOf: Timestamp) -> [[CandleRevision]] {
    (versions[series] ?? [:]).filter { range.contains($0.key) }.sorted { $0.key < $1.key }.map { minute in
      minute.value.enumerated().filter { $0.element.knownAt <= asOf }.map {
        CandleRevision(record: $0.element, revision: $0.offset)
      }
    }
  }

  func write(to series: Series, stamp: WriteStamp, next: () throws -> [Candle]?) throws -> WriteCounts {
    preconditionFailure("a live feed writes by commits alone")
  }

  func exportCandles(_ series: Series, in range: Range<Timestamp>, asOf: Timestamp, to path: String) throws -> Int {
    preconditionFailure("a live feed exports nothing")
  }
}
