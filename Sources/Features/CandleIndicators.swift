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
  private var distances = TrendDistances()
  private var hourDeviation = CloseDeviation<60>()
  private var fourHourDeviation = CloseDeviation<240>()
  private var reversion = MeanReversion()
  private var strength = RelativeStrength<14>()
  private var strength30 = RelativeStrength<30>()
  private var strength60 = RelativeStrength<60>()
  private var stochastic = StochasticOscillator()
  private var commodity = CommodityChannel()
  private var hourPosition = RangePosition<60>()
  private var fourHourPosition = RangePosition<240>()
  private var halfDayPosition = RangePosition<720>()
  private var dayPosition = RangePosition<1440>()
  private var run = RunLength()
  private var bands = BollingerBands()
  private var realised = RealisedMeasures()
  private var parkinson = ParkinsonVolatility()
  private var moneyFlow = MoneyFlow()
  private var weightedPrice = VolumeWeightedPrice()
  private var averagePaid = AveragePaid()
  private var volumeLevel = VolumeLevel()
  private var takerFlow = TakerFlow()
  private var activity = TradeActivity()
  private var signedVolume = SignedVolume()
  private var impact = PriceImpact<60>()
  private var slowImpact = PriceImpact<240>()
  private var illiquidity = Illiquidity()
  private var shape = CandleShape()

  static let columns: [FeatureColumn] = [
    AverageTrueRange.columns, VolatilityTerms.columns, ExponentialTrend<12>.columns, ExponentialTrend<26>.columns,
    ExponentialTrend<50>.columns, SimpleTrend<20>.columns, SimpleTrend<50>.columns, SimpleTrend<200>.columns,
    ConvergenceDivergence.columns, DirectionalMovement.columns, TrendDistances.columns, CloseDeviation<60>.columns,
    CloseDeviation<240>.columns, MeanReversion.columns, RelativeStrength<14>.columns, RelativeStrength<30>.columns,
    RelativeStrength<60>.columns, StochasticOscillator.columns, CommodityChannel.columns, RangePosition<60>.columns,
    RangePosition<240>.columns, RangePosition<720>.columns, RangePosition<1440>.columns, RunLength.columns,
    BollingerBands.columns, RealisedMeasures.columns, ParkinsonVolatility.columns,
    MoneyFlow.columns, VolumeWeightedPrice.columns, AveragePaid.columns, VolumeLevel.columns, TakerFlow.columns,
    TradeActivity.columns, SignedVolume.columns, PriceImpact<60>.columns, PriceImpact<240>.columns, Illiquidity.columns,
    CandleShape.columns,
  ].flatMap(\.self)

  mutating func update(_ step: inout CandleStep, into row: inout FeatureRow) {
    averageTrueRange.update(step, into: &row)
    step.averageTrueRange = averageTrueRange.value
    volatility.update(step, into: &row)
    (step.perMove240, step.perMove1440) = volatility.perMove
    ema12.update(step, into: &row)
    ema26.update(step, into: &row)
    ema50.update(step, into: &row)
    sma20.update(step, into: &row)
    sma50.update(step, into: &row)
    sma200.update(step, into: &row)
    macd.update(step, into: &row)
    direction.update(step, into: &row)
    distances.update(step, into: &row)
    hourDeviation.update(step, into: &row)
    fourHourDeviation.update(step, into: &row)
    reversion.update(step, into: &row)
    strength.update(step, into: &row)
    strength30.update(step, into: &row)
    strength60.update(step, into: &row)
    stochastic.update(step, into: &row)
    commodity.update(step, into: &row)
    hourPosition.update(step, into: &row)
    fourHourPosition.update(step, into: &row)
    halfDayPosition.update(step, into: &row)
    dayPosition.update(step, into: &row)
    run.update(step, into: &row)
    bands.update(step, into: &row)
    realised.update(step, into: &row)
    parkinson.update(step, into: &row)
    moneyFlow.update(step, into: &row)
    weightedPrice.update(step, into: &row)
    averagePaid.update(step, into: &row)
    volumeLevel.update(step, into: &row)
    takerFlow.update(step, into: &row)
    activity.update(step, into: &row)
    signedVolume.update(step, into: &row)
    impact.update(step, into: &row)
    slowImpact.update(step, into: &row)
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
