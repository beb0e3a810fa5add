package import Market

/// A candle proven whole.
package struct SealedCandle: Hashable, Sendable {
  package var candle: Candle
  package var provenance: Provenance
  /// Another version of this minute was given before.
  package var isRevision: Bool

  package init(_ candle: Candle, _ provenance: Provenance, isRevision: Bool) {
    (self.candle, self.provenance, self.isRevision) = (candle, provenance, isRevision)
  }
}

/// What a stream says about its minutes.
package enum SealingOutput: Hashable, Sendable {
  case sealed(SealedCandle)
  /// Proven to be without a trade; whether it is a candle is the venue's word.
  case quiet(minute: Int64)
  /// The stream has moved on without closing this minute.
  case unfinished(minute: Int64)
  /// Trades with these ids have not come.
  case jumped(ids: Range<Int64>)
  /// Ids that were reported as jumped have come after all.
  case recovered(ids: Range<Int64>)
  /// Not used: no market has such a value, or it lies outside what is kept.
  case refused(reason: String)
}
