/// Every indicator of the candle feature set; `columns` and `update` list them in the same order.
struct CandleIndicators: BitwiseCopyable, Sendable {
  private var warming = WarmingIndicators()
  private var lasting = LastingIndicators()

  static let columns = WarmingIndicators.columns + LastingIndicators.columns

  mutating func update(_ step: inout CandleStep, into row: inout FeatureRow) {
    row.start()
    warming.update(&step, into: &row)
    lasting.update(step, into: &row)
  }

  mutating func restartWarmUp() { warming = WarmingIndicators() }
}

/// Indicators whose state begins anew after a long hole.
private struct WarmingIndicators: BitwiseCopyable, Sendable {
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
  private var strength = RelativeStrength()
  private var stochastic = StochasticOscillator()
  private var commodity = CommodityChannel()
  private var hourPosition = RangePosition<60>()
  private var fourHourPosition = RangePosition<240>()
  private var run = RunLength()
  private var bands = BollingerBands()
  private var realised = RealisedMeasures()
  private var parkinson = ParkinsonVolatility()
  private var moneyFlow = MoneyFlow()
  private var weightedPrice = VolumeWeightedPrice()
  private var volumeLevel = VolumeLevel()
  private var takerFlow = TakerFlow()
  private var activity = TradeActivity()
  private var signedVolume = SignedVolume()
  private var impact = PriceImpact()
  private var illiquidity = Illiquidity()
  private var shape = CandleShape()

  static let columns: [FeatureColumn] = [
    AverageTrueRange.columns, VolatilityTerms.columns, ExponentialTrend<12>.columns, ExponentialTrend<26>.columns,
    ExponentialTrend<50>.columns, SimpleTrend<20>.columns, SimpleTrend<50>.columns, SimpleTrend<200>.columns,
    ConvergenceDivergence.columns, DirectionalMovement.columns, RelativeStrength.columns,
    StochasticOscillator.columns, CommodityChannel.columns, RangePosition<60>.columns, RangePosition<240>.columns,
    RunLength.columns, BollingerBands.columns, RealisedMeasures.columns, ParkinsonVolatility.columns,
    MoneyFlow.columns, VolumeWeightedPrice.columns, VolumeLevel.columns, TakerFlow.columns, TradeActivity.columns,
    SignedVolume.columns, PriceImpact.columns, Illiquidity.columns, CandleShape.columns,
  ].flatMap(\.self)

  mutating func update(_ step: inout CandleStep, into row: inout FeatureRow) {
    averageTrueRange.update(step, into: &row)
    step.averageTrueRange = averageTrueRange.value
    volatility.update(step, into: &row)
    step.volatility = volatility.hourly
    ema12.update(step, into: &row)
    ema26.update(step, into: &row)
    ema50.update(step, into: &row)
    sma20.update(step, into: &row)
    sma50.update(step, into: &row)
    sma200.update(step, into: &row)
    macd.update(step, into: &row)
    direction.update(step, into: &row)
    strength.update(step, into: &row)
    stochastic.update(step, into: &row)
    commodity.update(step, into: &row)
    hourPosition.update(step, into: &row)
    fourHourPosition.update(step, into: &row)
    run.update(step, into: &row)
    bands.update(step, into: &row)
    realised.update(step, into: &row)
    parkinson.update(step, into: &row)
    moneyFlow.update(step, into: &row)
    weightedPrice.update(step, into: &row)
    volumeLevel.update(step, into: &row)
    takerFlow.update(step, into: &row)
    activity.update(step, into: &row)
    signedVolume.update(step, into: &row)
    impact.update(step, into: &row)
    illiquidity.update(step, into: &row)
    shape.update(step, into: &row)
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
    Returns.columns, RateOfChange.columns, OnBalanceVolume.columns, VolumePriceTrend.columns, CalendarPhase.columns,
    GapAge.columns,
  ].flatMap(\.self)

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    returns.update(step, into: &row)
    rateOfChange.update(step, into: &row)
    onBalance.update(step, into: &row)
    priceTrend.update(step, into: &row)
    calendar.update(step, into: &row)
    gapAge.update(step, into: &row)
  }
}
