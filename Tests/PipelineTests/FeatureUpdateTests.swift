import Features
import Market
import Pipeline
import TestSupport
import Testing

/// What one process tells another of minutes that were folded again.
struct FeatureUpdateTests {
  private static let walk = RandomWalk()(seed: 5, count: 420)

  private func told(_ candles: some Sequence<Candle>, by stage: inout FeatureStage) -> [FeatureUpdate] {
    var updates: [FeatureUpdate] = []
    for candle in candles {
      _ = stage.take(MarketEvent(CandleRecord(archived: candle)))
      while let update = stage.nextUpdate() { updates.append(update) }
    }
    return updates
  }

  private func amended(_ updates: [FeatureUpdate]) throws -> [FeatureVector] {
    guard updates.count == 1, case .amended(let minutes, _) = updates[0] else {
      throw Unexpected(description: "\(updates.count) updates, not one of what was amended")
    }
    return minutes
  }

  private struct Unexpected: Error, CustomStringConvertible { let description: String }

  @Test func `history that is told a second time amends nothing`() {
    var stage = FeatureStage(MadeVersion.view)
    let first = told(Self.walk, by: &stage)
    #expect(first.count == Self.walk.count)
    let again = told(Self.walk.suffix(300), by: &stage)
    #expect(again.isEmpty)
  }

  @Test func `of what was amended the minutes are told that it changed`() throws {
    var stage = FeatureStage(MadeVersion.view)
    var straight = FeatureStage(MadeVersion.view)
    _ = told(Self.walk, by: &stage)
    var corrected = Self.walk
    corrected[412] = corrected[412].raised(cents: 900)
    let changed = try amended(told([corrected[412]], by: &stage))
    let expected = told(corrected, by: &straight)[412...].map { update -> FeatureVector? in
      guard case .next(let point, _, _) = update else { return nil }
      return point
    }
    #expect(changed.map(\.candle.openTime) == Self.walk[412...].map(\.openTime))
    for (found, expected) in zip(changed, expected) {
      let expected = try #require(expected)
      #expect(found.candle == expected.candle)
      #expect(found.vector.map(\.bitPattern) == expected.vector.map(\.bitPattern))
    }
    let again = told([corrected[412]], by: &stage)
    #expect(again.isEmpty)
  }

  @Test func `a minute that was missing is told with those after it`() throws {
    var stage = FeatureStage(MadeVersion.view)
    _ = told(Self.walk.filter { $0 != Self.walk[415] }, by: &stage)
    let changed = try amended(told([Self.walk[415]], by: &stage))
    #expect(changed.map(\.candle.openTime) == Self.walk[415...].map(\.openTime))
  }

  @Test func `who has told nothing yet tells all that others keep, once`() throws {
    var stage = FeatureStage(MadeVersion.view)
    for candle in Self.walk { _ = stage.fold(MarketEvent(CandleRecord(archived: candle))) }
    let all = try amended(told([Self.walk[418]], by: &stage))
    #expect(all.map(\.candle.openTime) == Self.walk.suffix(60).map(\.openTime))
    let again = told([Self.walk[418]], by: &stage)
    #expect(again.isEmpty)
  }
}
