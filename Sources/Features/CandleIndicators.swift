typealias CandleIndicators = IndicatorState<1440>

/// Every indicator of the candle feature set; `columns` and `update` list them in the same order.
///
/// It has a parameter because without one the compiler writes out, store by store, how all of its quarter of a million
/// bytes become zero: nine tenths of this module's code, and two thirds of the time it takes to compile.
struct IndicatorState<let dayMinutes: Int>: BitwiseCopyable, Sendable {
  private var warming = WarmingIndicators<dayMinutes>()
  private var lasting = LastingIndicators()

  static var columns: [FeatureColumn] { WarmingIndicators<dayMinutes>.columns + LastingIndicators.columns }

  /// One indicator after the other runs over all candles: the code of all of them together is larger than the
  /// processor's instruction cache, and candle by candle it would be fetched anew each time.
  mutating func update(_ steps: inout [CandleStep], _ rows: inout [FeatureRow]) {
    var steps = steps.mutableSpan
    var rows = rows.mutableSpan
    warming.update(&steps, &rows)
    lasting.update(steps, &rows)
  }

  mutating func restartWarmUp() { warming = WarmingIndicators<dayMinutes>() }
}

/// Indicators whose state begins anew after a long hole.
private struct WarmingIndicators<let dayMinutes: Int>: BitwiseCopyable, Sendable {
  private var averageTrueRange = AverageTrueRange()
  private var volatility = VolatilityTerms()
  private var ema12 = ExponentialTrend<12>()
  private var ema26 = ExponentialTrend<26>()
  private var ema50 = ExponentialTrend<50>()
  private var sma20 = SimpleTrend<20>()
  private var sma50 = SimpleTrend<50>()
  private var sma200 = SimpleTrend<200>()
  private var macd = ConvergenceDivergence()
  private var direction = DirectionalMovement()
  private var distances = TrendDistances()
  private var reversion = MeanReversion()
  private var strength = RelativeStrength<14>()
  private var strength60 = RelativeStrength<60>()
  private var stochastic = StochasticOscillator()
  private var commodity = CommodityChannel()
  private var hourPosition = RangePosition<60>()
  private var fourHourPosition = RangePosition<240>()
  private var halfDayPosition = RangePosition<720>()
  private var dayPosition = RangePosition<dayMinutes>()
  private var bands = BollingerBands()
  private var realised = RealisedMeasures()
  private var parkinson = ParkinsonVolatility()
  private var decaying = DecayingVolatility()
  private var moneyFlow = MoneyFlow()
  private var weightedPrice = VolumeWeightedPrice()
  private var averagePaid = AveragePaid()
  private var volumeLevel = VolumeLevel()
  private var takerFlow = TakerFlow()
  private var activity = TradeActivity()
  private var impact = PriceImpact<240>()
  private var shape = CandleShape()

  static var columns: [FeatureColumn] {
    [
      AverageTrueRange.sourced, VolatilityTerms.sourced, ExponentialTrend<12>.sourced, ExponentialTrend<26>.sourced,
      ExponentialTrend<50>.sourced, SimpleTrend<20>.sourced, SimpleTrend<50>.sourced, SimpleTrend<200>.sourced,
      ConvergenceDivergence.sourced, DirectionalMovement.sourced, TrendDistances.sourced, MeanReversion.sourced,
      RelativeStrength<14>.sourced, RelativeStrength<60>.sourced, StochasticOscillator.sourced,
      CommodityChannel.sourced, RangePosition<60>.sourced, RangePosition<240>.sourced, RangePosition<720>.sourced,
      RangePosition<dayMinutes>.sourced, BollingerBands.sourced, RealisedMeasures.sourced,
      ParkinsonVolatility.sourced, DecayingVolatility.sourced, MoneyFlow.sourced, VolumeWeightedPrice.sourced,
      AveragePaid.sourced, VolumeLevel.sourced, TakerFlow.sourced, TradeActivity.sourced, PriceImpact<240>.sourced,
      CandleShape.sourced,
    ].flatMap(\.self)
  }

  mutating func update(_ steps: inout MutableSpan<CandleStep>, _ rows: inout MutableSpan<FeatureRow>) {
    measure(&steps, &rows)
    ema12.update(steps, &rows)
    ema26.update(steps, &rows)
    ema50.update(steps, &rows)
    sma20.update(steps, &rows)
    sma50.update(steps, &rows)
    sma200.update(steps, &rows)
    macd.update(steps, &rows)
    direction.update(steps, &rows)
    distances.update(steps, &rows)
    reversion.update(steps, &rows)
    strength.update(steps, &rows)
    strength60.update(steps, &rows)
    stochastic.update(steps, &rows)
    commodity.update(steps, &rows)
    hourPosition.update(steps, &rows)
    fourHourPosition.update(steps, &rows)
    halfDayPosition.update(steps, &rows)
    dayPosition.update(steps, &rows)
    bands.update(steps, &rows)
    realised.update(steps, &rows)
    parkinson.update(steps, &rows)
    decaying.update(steps, &rows)
    moneyFlow.update(steps, &rows)
    weightedPrice.update(steps, &rows)
    averagePaid.update(steps, &rows)
    volumeLevel.update(steps, &rows)
    takerFlow.update(steps, &rows)
    activity.update(steps, &rows)
    impact.update(steps, &rows)
    shape.update(steps, &rows)
  }

  /// The yardsticks that other indicators divide by.
  private mutating func measure(_ steps: inout MutableSpan<CandleStep>, _ rows: inout MutableSpan<FeatureRow>) {
    for place in steps.indices {
      averageTrueRange.update(steps[place], into: &rows[place])
      volatility.update(steps[place], into: &rows[place])
      steps[place].averageTrueRange = averageTrueRange.value
      steps[place].perMove240 = volatility.perMove240
      steps[place].perMove1440 = volatility.perMove1440
    }
  }
}

/// Indicators that no hole restarts: sums since the series began, lags by the clock, the calendar.
private struct LastingIndicators: BitwiseCopyable, Sendable {
  private var returns = Returns()
  private var rateOfChange = RateOfChange()
  private var onBalance = OnBalanceVolume()
  private var priceTrend = VolumePriceTrend()
  private var calendar = CalendarPhase()
  private var gapAge = GapAge()

  static let columns: [FeatureColumn] = [
    Returns.sourced, RateOfChange.sourced, OnBalanceVolume.sourced, VolumePriceTrend.sourced, CalendarPhase.sourced,
    GapAge.sourced,
  ].flatMap(\.self)

  mutating func update(_ steps: borrowing MutableSpan<CandleStep>, _ rows: inout MutableSpan<FeatureRow>) {
    returns.update(steps, &rows)
    rateOfChange.update(steps, &rows)
    onBalance.update(steps, &rows)
    priceTrend.update(steps, &rows)
    calendar.update(steps, &rows)
    gapAge.update(steps, &rows)
  }
}
