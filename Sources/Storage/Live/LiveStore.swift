package import Market

/// What a live feed adds to a store and reads back after a restart.
package protocol LiveStore: AnyObject {
  /// All of the batches in one transaction, one after the other.
  ///
  /// - Returns: for each candle of each batch what it was.
  @discardableResult
  func commit(_ batches: [LiveBatch]) throws -> [[CandleOutcome]]

  /// The ledger of one series in rising order.
  func ledger(_ series: Series, _ kind: LedgerKind) throws -> [LedgerRange]

  /// Newest first, of those that were created in the range.
  func qualityEvents(
    _ series: Series?, in range: Range<Timestamp>, unresolvedOnly: Bool, limit: Int
  ) throws -> [QualityEvent]

  /// Calls `body` with batches in order of observation, of what was stored by `asOf`.
  func readOracleTicks(
    _ venue: Venue, _ feed: Symbol, in range: Range<Timestamp>, asOf: Timestamp,
    _ body: ([OracleTickRecord]) throws -> Void
  ) throws

  func readOracleMinutes(
    _ venue: Venue, _ feed: Symbol, in range: Range<Timestamp>, asOf: Timestamp, _ body: ([OracleMinute]) throws -> Void
  ) throws
}

extension LiveStore {
  @discardableResult
  package func commit(_ batch: LiveBatch) throws -> [CandleOutcome] { try commit([batch]).flatMap(\.self) }

  package func qualityEvents(_ series: Series?, unresolvedOnly: Bool, limit: Int) throws -> [QualityEvent] {
    try qualityEvents(series, in: .all, unresolvedOnly: unresolvedOnly, limit: limit)
  }
}

/// What is committed together.
package struct LiveBatch: Sendable {
  /// When its rows count as stored, by the clock of the pipeline that made it.
  package var knownAt: Timestamp
  /// A version that differs from the stored one becomes a revision, available when it is stored and not before; one
  /// that says nothing new changes nothing. The store sets `knownAt`, later for each version than for the one before.
  package var candles: [LiveCandle] = []
  /// What is stored already under the same identity stays as it is.
  package var predictions: [Prediction] = []
  /// Applied in order; each takes its range over from whatever stood there.
  package var ledger: [LedgerRange] = []
  /// Each takes the place of the stored one of its identity.
  package var quality: [QualityEvent] = []
  /// An observation that is stored already stays as it is.
  package var ticks: [OracleTickRecord] = []
  package var oracleMinutes: [OracleMinuteRecord] = []
  package var marketData: [MarketDataRow] = []
  /// What is stored already for the same decision stays as it is.
  package var features: [FeatureRow] = []
  package var log: [SystemLogRow] = []

  package init(knownAt: Timestamp) { self.knownAt = knownAt }
}

package struct LiveCandle: Hashable, Sendable {
  package var series: Series
  package var record: CandleRecord

  package init(_ series: Series, _ record: CandleRecord) { (self.series, self.record) = (series, record) }
}

package enum CandleOutcome: Hashable, Sendable { case new, unchanged, revised }

/// What a ledger counts.
package enum LedgerKind: String, Hashable, Codable, Sendable, CaseIterable {
  /// Minutes since 1970 of candles.
  case minutes
  /// Trade ids.
  case trades
}

/// A run of minutes or trade ids of one series and how they came to us.
package struct LedgerRange: Hashable, Codable, Sendable {
  package var series: Series
  package var kind: LedgerKind
  package var range: Range<Int64>
  package var state: LedgerState
  /// When its first part got this state.
  package var since: Timestamp

  package init(_ series: Series, _ kind: LedgerKind, _ range: Range<Int64>, _ state: LedgerState, since: Timestamp) {
    (self.series, self.kind, self.range, self.state, self.since) = (series, kind, range, state, since)
  }
}

package enum LedgerState: Hashable, Codable, Sendable {
  case live
  /// Known to be absent; being fetched, or to be fetched.
  case missing
  /// Fetched afterwards, from where.
  case patched(from: String)
  /// Cannot be had, and why.
  case lost(reason: String)
}

/// A row of `data_quality_logs`. It is identified by series, type and creation.
package struct QualityEvent: Hashable, Codable, Sendable {
  package var series: Series
  /// `gap`, `trade_gap`, `completeness`, `missing`, `stale`, `invalid` or `clock_skew`.
  package var type: String
  package var createdAt: Timestamp
  package var candlesMissing: Int?
  /// `nil` while it lasts.
  package var resolvedAt: Timestamp?
  /// Facts as one line of JSON.
  package var details: String

  package init(
    series: Series, type: String, createdAt: Timestamp, candlesMissing: Int? = nil, resolvedAt: Timestamp? = nil,
    details: String = "{}"
  ) {
    (self.series, self.type, self.createdAt) = (series, type, createdAt)
    (self.candlesMissing, self.resolvedAt, self.details) = (candlesMissing, resolvedAt, details)
  }
}

/// An observation with the venue that stored it (`chainlink`, or `sim-chainlink`) and when a live reader had it.
package struct OracleTickRecord: Hashable, Sendable {
  package var venue: Venue
  package var tick: OracleTick
  package var availableAt: Timestamp
  /// When it was stored; the store sets it.
  package var knownAt: Timestamp

  package init(venue: Venue, tick: OracleTick, availableAt: Timestamp, knownAt: Timestamp = .distantPast) {
    (self.venue, self.tick, self.availableAt, self.knownAt) = (venue, tick, availableAt, knownAt)
  }
}

package struct OracleMinuteRecord: Hashable, Sendable {
  package var venue: Venue
  package var minute: OracleMinute
  package var availableAt: Timestamp

  package init(venue: Venue, minute: OracleMinute, availableAt: Timestamp) {
    (self.venue, self.minute, self.availableAt) = (venue, minute, availableAt)
  }
}

/// A row of `market_data`: a trade or a quote.
package struct MarketDataRow: Hashable, Sendable {
  package var series: Series
  package var time: Timestamp
  package var price: Decimal8
  package var volume: Decimal8?
  package var bidPrice: Decimal8?
  package var askPrice: Decimal8?
  /// `sbe`, `rest`, `stream` or `synthetic`.
  package var source: String
  /// `trade` or `quote`.
  package var dataType: String

  package init(
    series: Series, time: Timestamp, price: Decimal8, volume: Decimal8? = nil, bidPrice: Decimal8? = nil,
    askPrice: Decimal8? = nil, source: String, dataType: String
  ) {
    (self.series, self.time, self.price, self.volume) = (series, time, price, volume)
    (self.bidPrice, self.askPrice, self.source, self.dataType) = (bidPrice, askPrice, source, dataType)
  }
}
