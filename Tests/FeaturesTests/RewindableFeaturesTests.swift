import Features
import Market
import Testing

@Suite struct RewindableFeaturesTests {
  @Test(arguments: 0..<8 as Range<UInt64>) func `late and revised candles give the bits of a fold in order`(
    seed: UInt64
  ) {
    let truth = RandomCandles(hasHoles: true, hasFlatMinutes: true)(seed: seed, count: 600)
    var random = SplitMix64(seed: seed)
    var features = RewindableFeatures()
    var pending: [FeatureInput] = []
    for candle in truth {
      if Int.random(in: 0..<50, using: &random) == 0 {
        pending.append(candle)
      } else if Int.random(in: 0..<50, using: &random) == 0 {
        var wrong = candle
        wrong.close = wrong.open
        features.update(wrong)
        pending.append(candle)
      } else {
        features.update(candle)
      }
      guard Int.random(in: 0..<70, using: &random) == 0 else { continue }
      features.amend(pending.shuffled(using: &random))
      pending = []
    }
    features.amend(pending)
    #expect(bits(features.engine.vector) == bits(fold(truth).last!))
  }

  @Test func `every vector after the change is shown again`() {
    let truth = RandomCandles()(seed: 2, count: 500)
    var features = RewindableFeatures()
    for candle in truth where candle != truth[450] { features.update(candle) }
    var shown: [[UInt64]] = []
    let outcome = features.amend([truth[450]]) { shown.append(bits($0.vector)) }
    #expect(outcome == .refolded(candles: shown.count))
    #expect((50...50 + RewindableFeatures.checkpointMinutes).contains(shown.count))
    #expect(shown == fold(truth).suffix(shown.count).map(bits))
  }

  @Test func `a change of two days ago is folded and one of three needs a rebuild`() {
    let truth = RandomCandles()(seed: 6, count: 4500)
    var features = RewindableFeatures()
    for candle in truth where candle != truth[4500 - 2880] { features.update(candle) }
    let outcome = features.amend([truth[4500 - 2880]])
    guard case .refolded = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(bits(features.engine.vector) == bits(fold(truth).last!))
    #expect(features.amend([truth[100]]) == .needsRebuild(from: truth[100].openTime))
  }
}
