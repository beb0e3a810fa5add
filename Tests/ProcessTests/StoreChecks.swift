import Market
import Storage
import Testing

/// The store holds exactly the truth from its first minute to its last, and the ledger knows where each came from.
func expectWhole(
  _ store: DuckDBStore, _ series: Series, truth: [Candle], sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let stored = try store.candles(series).map(\.candle)
  let summary = try #require(try store.summary(of: series), sourceLocation: sourceLocation)
  let expected = truth.filter { summary.firstOpenTime <= $0.openTime && $0.openTime <= summary.lastOpenTime }
  let minutes = stored.map(\.openTime.minute)
  #expect(Set(minutes).count == minutes.count, "a minute is stored twice", sourceLocation: sourceLocation)
  #expect(
    Set(expected.map(\.openTime.minute)).subtracting(minutes).isEmpty, "minutes are lost",
    sourceLocation: sourceLocation)
  for (ours, theirs) in zip(stored, expected) where ours != theirs {
    Issue.record("\(ours) instead of \(theirs)", sourceLocation: sourceLocation)
    break
  }
  #expect(stored.count == expected.count, sourceLocation: sourceLocation)
  #expect(summary.revisions == 0, "a candle has changed", sourceLocation: sourceLocation)
  var next = summary.firstOpenTime.minute
  for run in try store.ledger(series, .minutes) {
    switch run.state {
    case .live, .patched:
      #expect(run.range.lowerBound <= next, "the ledger has a hole", sourceLocation: sourceLocation)
      next = max(next, run.range.upperBound)
    case .missing, .lost:
      #expect(run.range.lowerBound > summary.lastOpenTime.minute, "\(run)", sourceLocation: sourceLocation)
    }
  }
  #expect(next > summary.lastOpenTime.minute, "the ledger ends early", sourceLocation: sourceLocation)
}

extension Prediction {
  /// Without what differs between a run and its being played back.
  var comparable: Prediction {
    var prediction = self
    prediction.latencyNanoseconds = 0
    prediction.mode = .live
    return prediction
  }
}
