import Features
import Market
import Testing

@Suite struct FeatureEngineTests {
  private static let names = FeatureSet.candles.names

  @Test(arguments: 0..<4 as Range<UInt64>) func `every column equals its definition`(seed: UInt64) {
    let source = RandomCandles(hasHoles: seed > 0, hasFlatMinutes: seed > 1, hasUnknownVolumes: seed > 2)
    let candles = source(seed: seed, count: 3200)
    let naive = NaiveFeatures(candles)
    let vectors = fold(candles)
    var random = SplitMix64(seed: seed)
    let rows =
      Array(0..<36) + (0..<15).map { _ in Int.random(in: 36..<candles.count, using: &random) } + [candles.count - 1]
    for row in rows {
      let expected = naive.vector(at: row)
      for (column, name) in Self.names.enumerated() {
        let (value, wanted) = (vectors[row][column], expected[name])
        #expect(
          isClose(value, wanted ?? .infinity), "\(name) at row \(row): \(value), by definition \(wanted ?? .infinity)")
      }
    }
  }

  @Test func `long windows without a hole equal their definitions`() {
    let candles = RandomCandles()(seed: 77, count: 3200)
    let expected = NaiveFeatures(candles).vector(at: 3199)
    let vector = fold(candles)[3199]
    for (column, name) in Self.names.enumerated() {
      #expect(!vector[column].isNaN, "\(name) is still unknown")
      #expect(isClose(vector[column], expected[name]!), "\(name)")
    }
  }

  @Test(arguments: 0..<6 as Range<UInt64>) func `nothing after a minute changes its vector`(seed: UInt64) {
    let source = RandomCandles(hasHoles: true, hasFlatMinutes: true)
    let candles = source(seed: seed, count: 900)
    var random = SplitMix64(seed: seed)
    let cut = Int.random(in: 1..<900, using: &random)
    let changed = candles[cut...].map { candle in
      var candle = candle
      candle.close *= Double.random(in: 0.5...2, using: &random)
      candle.high = max(candle.high, candle.close)
      candle.low = min(candle.low, candle.close)
      candle.volume = Double.random(in: 0...1000, using: &random)
      return candle
    }
    let whole = fold(candles)
    let other = fold(candles[..<cut] + changed)
    #expect(whole[..<cut].map(bits) == other[..<cut].map(bits))
    #expect(whole[..<cut].map(bits) == fold(candles[..<cut]).map(bits))
  }

  @Test func `the same candles give the same bits`() {
    let candles = RandomCandles(hasHoles: true, hasUnknownVolumes: true)(seed: 5, count: 1000)
    #expect(fold(candles).map(bits) == fold(candles).map(bits))
  }

  @Test(arguments: [1, 63, 64, 65, 1000]) func `a batch gives the bits of one candle after the other`(count: Int) {
    let candles = RandomCandles(hasHoles: true, hasFlatMinutes: true)(seed: UInt64(count), count: count + 10)
    var engine = FeatureEngine()
    for candle in candles.prefix(10) { engine.update(candle) }
    var batch: [[UInt64]] = []
    var seen: [FeatureInput] = []
    engine.fold(candles.dropFirst(10)) { candle, values in
      seen.append(candle)
      batch.append(values.indices.map { values[$0].bitPattern })
    }
    #expect(seen == Array(candles.dropFirst(10)))
    #expect(batch == fold(candles).dropFirst(10).map(bits))
    #expect(bits(engine.vector) == batch.last)
    engine.fold([]) { _, _ in }
    #expect(bits(engine.vector) == batch.last)
  }

  @Test func `finite windows forget what came before them`() {
    let recursive = [
      "ema_", "macd", "rsi_", "atr_14", "natr_14", "adx", "plus_di", "minus_di", "di_balance", "obv", "vpt",
      "range_atr",
    ]
    let candles = RandomCandles()(seed: 9, count: 4600)
    let (long, short) = (fold(candles).last!, fold(candles.suffix(3100)).last!)
    for (column, name) in Self.names.enumerated() where !recursive.contains(where: name.hasPrefix) {
      #expect(isClose(long[column], short[column]), "\(name): \(long[column]) and \(short[column])")
    }
  }

  @Test(arguments: 0..<5 as Range<UInt64>) func `an engine continues from a checkpoint with the same bits`(seed: UInt64)
  {
    let candles = RandomCandles(hasHoles: true)(seed: seed, count: 700)
    var random = SplitMix64(seed: seed)
    let cut = Int.random(in: 0..<700, using: &random)
    var engine = FeatureEngine()
    for candle in candles[..<cut] { engine.update(candle) }
    let checkpoint = engine.checkpoint()
    #expect(checkpoint.openTime == (cut == 0 ? nil : candles[cut - 1].openTime))
    for candle in candles[cut...] { engine.update(candle) }
    var restored = FeatureEngine(restoring: checkpoint)
    for candle in candles[cut...] { restored.update(candle) }
    #expect(bits(engine.vector) == bits(restored.vector))
  }

  @Test func `a hole of five minutes keeps the averages and one of six restarts them`() throws {
    let candles = RandomCandles()(seed: 3, count: 400)
    let average = try #require(FeatureSet.candles.index(of: "sma_200"))
    for (absent, survives) in [(5, true), (6, false)] {
      let late = candles[390...].map { candle in
        var candle = candle
        candle.openTime = candle.openTime.adding(minutes: absent)
        return candle
      }
      #expect(fold(candles[..<390] + late).last![average].isNaN != survives)
    }
  }

  @Test func `a lag is unknown when its minute is absent and known across a long hole`() throws {
    let candles = RandomCandles()(seed: 4, count: 100)
    let (five, sixty) = (
      try #require(FeatureSet.candles.index(of: "return_5")), try #require(FeatureSet.candles.index(of: "return_60"))
    )
    var holed = candles
    holed.removeSubrange(80..<94)
    let vector = fold(holed).last!
    #expect(vector[five] == fold(candles).last![five])
    #expect(vector[sixty] == fold(candles).last![sixty])
    holed.remove(at: 39)
    #expect(fold(holed).last![sixty].isNaN)
  }

  @Test func `a vector is cast to single precision once`() {
    var engine = FeatureEngine()
    for candle in RandomCandles()(seed: 1, count: 300) { engine.update(candle) }
    var vector = [Float](repeating: 0, count: FeatureSet.candles.count)
    var span = vector.mutableSpan
    engine.write(into: &span)
    #expect(vector.map(\.bitPattern) == engine.vector.map { Float($0).bitPattern })
  }

  @Test func `a candle that is not later is our own mistake`() async {
    await #expect(processExitsWith: .failure) {
      var engine = FeatureEngine()
      let candle = FeatureInput(openTime: Timestamp(minute: 1), open: 1, high: 1, low: 1, close: 1)
      engine.update(candle)
      engine.update(candle)
    }
  }

  @Test func `candles without volumes still have their price columns`() throws {
    let candles = RandomCandles()(seed: 8, count: 300).map {
      FeatureInput(openTime: $0.openTime, open: $0.open, high: $0.high, low: $0.low, close: $0.close)
    }
    let vector = fold(candles).last!
    #expect(!vector[try #require(FeatureSet.candles.index(of: "rsi_14"))].isNaN)
    #expect(vector[try #require(FeatureSet.candles.index(of: "obv"))].isNaN)
    #expect(vector[try #require(FeatureSet.candles.index(of: "vwap_60"))].isNaN)
  }

  private func isClose(_ value: Double, _ wanted: Double) -> Bool {
    value.isNaN && wanted.isNaN || abs(value - wanted) <= 1e-8 * abs(wanted) + 1e-9
  }
}
