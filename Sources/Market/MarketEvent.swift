/// Something that can change a prediction. Live sockets, stores, recordings and simulators all give these, in the order
/// in which a live reader would have had them.
package enum MarketEvent: Hashable, Sendable {
  /// A candle that became available: the next one, a late one (a patch), or another version of one seen before (a
  /// revision). Which of these it is follows from its open time.
  case candle(Series, CandleRecord)

  package var availableAt: Timestamp {
    switch self {
    case .candle(_, let record): record.availableAt
    }
  }

  /// A live reader had this event before the other; `CandleRecord.precedes` says it for candles, and of two series'
  /// candles that nothing else tells apart the one whose series has the lesser name comes first.
  package func precedes(_ other: MarketEvent) -> Bool {
    switch (self, other) {
    case (.candle(let mine, let record), .candle(let theirs, let otherRecord)):
      if record.precedes(otherRecord) { return true }
      if otherRecord.precedes(record) { return false }
      return mine.description < theirs.description
    }
  }
}
