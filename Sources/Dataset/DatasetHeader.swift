package import Market

/// What a dataset file says of itself; JSON in front of the columns.
package struct DatasetHeader: Codable, Equatable, Sendable {
  package var schema = 1
  package var view: String
  /// First candle folded, first decision row and end (exclusive) as Unix microseconds; features are anchored to the first candle.
  package var anchorMicroseconds: Int64
  package var fromMicroseconds: Int64
  package var toMicroseconds: Int64
  /// Rows stored after this instant were not seen; `nil` when everything stored was read.
  package var asOfMicroseconds: Int64?
  package var featureNames: [String]
  package var featureSetHash: String
  /// The price source is made up by a simulator.
  package var isSynthetic: Bool
  package var rows: Int
  package var minutes: Int
  /// How many instants have a settlement price of their own; `nil` where prices settle at the minutes' closes.
  package var instants: Int?

  package init(
    view: MarketView, anchor: Timestamp, from: Timestamp, to: Timestamp, asOf: Timestamp?, featureNames: [String],
    featureSetHash: String, isSynthetic: Bool
  ) {
    self.view = view.description
    anchorMicroseconds = anchor.microseconds
    fromMicroseconds = from.microseconds
    toMicroseconds = to.microseconds
    asOfMicroseconds = asOf?.microseconds
    self.featureNames = featureNames
    self.featureSetHash = featureSetHash
    self.isSynthetic = isSynthetic
    rows = 0
    minutes = 0
  }
}

/// One decision as a live reader would have met it.
package struct DatasetRow: Sendable {
  package var openTime: Timestamp
  package var availableAt: Timestamp
  package var open: Double
  package var close: Double
  /// Candles since the feature state last started anew.
  package var candlesSinceRestart: Int32
  /// Late truth changed a candle among the last sixty: the sequence of rows is not what a live reader had, so the row
  /// is never trained on.
  package var isNearAmendment: Bool

  package init(
    openTime: Timestamp, availableAt: Timestamp, open: Double, close: Double, candlesSinceRestart: Int32,
    isNearAmendment: Bool
  ) {
    self.openTime = openTime
    self.availableAt = availableAt
    self.open = open
    self.close = close
    self.candlesSinceRestart = candlesSinceRestart
    self.isNearAmendment = isNearAmendment
  }
}
