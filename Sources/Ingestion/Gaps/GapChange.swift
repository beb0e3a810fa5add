package import Market
package import Storage

/// What a keeper of gaps wants done.
package enum GapChange: Hashable, Sendable {
  case ledger(LedgerRange)
  case quality(QualityEvent)
  /// Ask the venue for these minutes or trade ids.
  case fetch(LedgerKind, Range<Int64>, isRecheck: Bool)
  /// Minutes that the venue gave on request; for one that is there already it may be a revision.
  case store([Candle], from: String)
  /// The stream has brought nothing for this long; it is no gap yet.
  case alarm(silentMicroseconds: Int64)
}

/// Minutes that a venue gave on request.
package struct CandleAnswer: Hashable, Sendable {
  /// Minutes asked for.
  package var asked: Range<Int64>
  /// Any order; what lies outside of `asked` is not used.
  package var candles: [Candle]
  /// The answer has as many minutes as one may have: past the last one it says nothing.
  package var isFull: Bool
  /// The venue's clock when it answered; `nil` while it is not known.
  package var venueTime: Timestamp?
  /// Such as `binance rest`.
  package var source: String

  package init(asked: Range<Int64>, candles: [Candle], isFull: Bool, venueTime: Timestamp?, source: String) {
    (self.asked, self.candles, self.isFull) = (asked, candles, isFull)
    (self.venueTime, self.source) = (venueTime, source)
  }
}
