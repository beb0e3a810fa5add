import Features
import Market
import Testing

@Suite struct FeatureSetTests {
  private let set = FeatureSet.candles

  @Test func `names are unique and well formed`() {
    #expect(Set(set.names).count == set.count)
    for name in set.names {
      #expect(name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 })
    }
  }

  @Test func `every promised column is there`() {
    let promised =
      "rsi_14 macd macd_signal macd_hist bb_upper_20 bb_middle_20 bb_lower_20 bb_position_20 bb_width_20 stoch_k_14 "
      + "stoch_d_3 atr_14 natr_14 adx_14 plus_di_14 minus_di_14 cci_20 mfi_14 willr_14 obv ema_12 ema_26 ema_50 sma_20 "
      + "sma_50 sma_200 roc_10 return_1 return_5 return_15 return_60 volatility_5 volatility_15 volatility_30 volatility_60 "
      + "volatility_120 volatility_240 vwap_60 vpt volume_mean_20 volume_ratio_20 taker_buy_ratio_5 taker_buy_ratio_15 "
      + "taker_buy_ratio_60 taker_imbalance_5 taker_imbalance_15 taker_imbalance_60 minutes_since_gap"
    #expect(set.count >= 60)
    #expect(Set(promised.split(separator: " ").map(String.init)).subtracting(set.names).isEmpty)
  }

  @Test func `sequence columns are model columns and price levels are not`() {
    #expect(Set(set.sequenceColumns).isSubset(of: set.modelColumns))
    for name in ["sma_20", "ema_50", "vwap_60", "bb_upper_20", "obv", "atr_14", "macd"] {
      #expect(!set.modelColumns.contains(set.index(of: name)!))
    }
  }

  @Test func `the hash is that of the columns this version has`() {
    #expect(set.hash.description == "2026c346d4ae7e5b")
  }
}
