import CAllocationCounter
import Features
import Testing

@Suite struct AllocationTests {
  @Test(.enabled(if: allocation_count() >= 0, "a sanitizer owns the allocator"))
  func `an update and its cast allocate nothing`() {
    let candles = RandomCandles(hasHoles: true, hasFlatMinutes: true, hasUnknownVolumes: true)(seed: 1, count: 3000)
    // The first pass through every path is the runtime's: it builds type metadata where code is not optimised.
    _ = fold(candles)
    var engine = FeatureEngine()
    engine.update(candles[0])
    var vector = [Float](repeating: 0, count: FeatureSet.candles.count)
    var first = vector.mutableSpan
    engine.write(into: &first)
    let before = allocation_count()
    // Counted by hand: without optimisation an iterator allocates.
    var row = 1
    while row < candles.count {
      engine.update(candles[row])
      var span = vector.mutableSpan
      engine.write(into: &span)
      row += 1
    }
    #expect(allocation_count() - before == 0)
  }

  @Test(.enabled(if: allocation_count() >= 0, "a sanitizer owns the allocator"))
  func `an allocation is counted`() {
    let before = allocation_count()
    let candles = RandomCandles()(seed: 1, count: 10)
    #expect(candles.count == 10 && allocation_count() > before)
  }
}
