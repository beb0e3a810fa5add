import Features
import Market
import Testing

/// The feature set of a view with prices of one series and base volumes of another.
@Suite struct OracleFeaturesTests {
  private let oracle = FeatureSet.oracle
  private let candles = FeatureSet.candles

  private func vectors(_ candles: [FeatureInput], _ set: FeatureSet) -> [[Double]] {
    var engine = FeatureEngine()
    return candles.map { candle in
      engine.update(candle)
      return engine.values(set)
    }
  }

  /// Without what the view does not know.
  private func base(_ candle: FeatureInput) -> FeatureInput {
    var candle = candle
    (candle.quoteVolume, candle.takerBuyQuote) = (.nan, .nan)
    return candle
  }

  @Test func `it is the candles' set in its order without what needs quote amounts`() {
    let absent = candles.names.filter { !oracle.names.contains($0) }
    #expect(oracle.names == candles.names.filter { !absent.contains($0) })
    #expect(
      absent == [
        "vwap_distance_1", "vwap_distance_15", "vwap_distance_60", "vwap_distance_120", "vwap_distance_240",
        "vwap_distance_480", "vwap_distance_1440", "volume_trend_15_240", "volume_trend_60_1440",
      ])
    #expect(Set(oracle.sequenceColumns).isSubset(of: oracle.modelColumns))
    let models = candles.modelColumns.map { candles.names[$0] }
    #expect(oracle.modelColumns.map { oracle.names[$0] } == models.filter { !absent.contains($0) })
  }

  @Test func `a view has one set, and each set its hash`() throws {
    #expect(FeatureSet.of(MarketView(price: Series(.binance, .btcusdt))) == candles)
    #expect(FeatureSet.of(try #require(MarketView("chainlink:BTC/USD+binance:BTCUSDT"))) == oracle)
    #expect(oracle.hash.description == "8c73c4b17ad184a8")
    #expect(candles.hash.description == "2026c346d4ae7e5b")
  }

  /// What a column is said to be made of is what changes it.
  @Test func `each column reads what its source says`() {
    let made = RandomCandles()(seed: 5, count: 1700)
    func changed(_ change: (inout FeatureInput, Double) -> Void) -> Set<String> {
      var random = SplitMix64(seed: 8)
      let others = made.map { candle in
        var other = candle
        change(&other, Double.random(in: 0.5...0.9, using: &random))
        return other
      }
      let (before, after) = (vectors(made, candles), vectors(others, candles))
      return Set(
        candles.names.indices.filter { column in
          before.indices.contains { before[$0][column].bitPattern != after[$0][column].bitPattern }
        }.map { candles.names[$0] })
    }
    func names(_ sources: FeatureColumn.Source...) -> Set<String> {
      Set(candles.columns.filter { sources.contains($0.source) }.map(\.name))
    }
    let byQuote = changed { candle, factor in
      candle.quoteVolume *= factor
      candle.takerBuyQuote *= factor * factor
    }
    #expect(byQuote == names(.quoteAmounts))
    let byBase = changed { candle, factor in
      candle.volume *= factor
      candle.takerBuyBase *= factor * factor
      candle.trades = (candle.trades * factor).rounded()
    }
    // Trends of quote volume alone do not need the base volume.
    #expect(byBase.isSuperset(of: names(.volumes)) && byBase.isSubset(of: names(.volumes, .quoteAmounts)))
    #expect(byBase.isDisjoint(with: names(.prices)))
  }

  @Test func `columns are the kernel's, bit for bit, whether quote amounts are known or not`() {
    let made = RandomCandles(hasHoles: true, hasFlatMinutes: true)(seed: 3, count: 1700)
    let (whole, ours) = (vectors(made, candles), vectors(made.map(base), oracle))
    let places = oracle.names.map { candles.index(of: $0)! }
    for row in made.indices {
      #expect(bits(ours[row]) == bits(places.map { whole[row][$0] }), "row \(row)")
      var vector = [Float](repeating: 0, count: oracle.count + 2)
      var engine = FeatureEngine()
      guard row == 40 else { continue }
      engine.fold(made[...row]) { _, _ in }
      var span = vector.mutableSpan
      engine.write(oracle, into: &span, at: 1)
      let expected = [0] + ours[row].map { Float($0) } + [0]
      #expect(vector.map(\.bitPattern) == expected.map(\.bitPattern))
    }
  }

  @Test func `a minute without volumes makes its volume columns null and no price column`() {
    let made = RandomCandles()(seed: 9, count: 2400).map(base)
    let absent: Set<Int> = [700, 701, 900, 2390]
    let seen = made.enumerated().map { index, candle in
      guard absent.contains(index) else { return candle }
      var candle = candle
      (candle.volume, candle.trades, candle.takerBuyBase) = (.nan, .nan, .nan)
      return candle
    }
    let (whole, ours) = (vectors(made, oracle), vectors(seen, oracle))
    let volumeColumns = oracle.columns.indices.filter { oracle.columns[$0].source == .volumes }
    for row in made.indices {
      for column in oracle.columns.indices where !volumeColumns.contains(column) {
        #expect(whole[row][column].bitPattern == ours[row][column].bitPattern, "\(oracle.names[column]) at \(row)")
      }
      guard row >= 1500 || absent.contains(row) else { continue }
      for column in volumeColumns {
        let isNull = ours[row][column].isNaN
        let name = oracle.names[column]
        if absent.contains(row) {
          #expect(isNull, "\(name) at \(row)")
        } else {
          #expect(isNull == absent.contains { $0 <= row && row - $0 < reach(name) }, "\(name) at \(row)")
        }
      }
    }
  }

  /// Candles whose volume a column must know, by its definition.
  private func reach(_ name: String) -> Int {
    switch name {
    case "obv", "vpt", "mean_trade_size", "trades_per_minute", "taker_imbalance_1": 1
    // The last 240 candles that know both, whichever they are.
    case "flow_return_correlation_240", "price_impact_240", "flow_surprise_240": 1
    default: name.split(separator: "_").last.flatMap { Int($0) } ?? 1
    }
  }
}
