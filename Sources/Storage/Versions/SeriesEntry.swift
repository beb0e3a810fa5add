import Market

/// A series under its number, with its summary once it has rows.
struct SeriesEntry {
  let id: Int32
  var summary: SeriesSummary?

  /// The part of a range in which there may be rows.
  func clamped(_ range: Range<Timestamp>) -> Range<Timestamp>? {
    guard let summary else { return nil }
    let from = max(range.lowerBound, summary.firstOpenTime)
    let to = min(range.upperBound, summary.lastOpenTime.adding(minutes: 1))
    return from < to ? from..<to : nil
  }
}
