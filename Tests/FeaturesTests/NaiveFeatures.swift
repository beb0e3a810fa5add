import Features
import Glibc
import Market

/// Every column by its definition, recomputed from the candles themselves at one row.
struct NaiveFeatures {
  let candles: [FeatureInput]
  private let starts: [Int]
  private let rowOfMinute: [Int64: Int]

  init(_ candles: [FeatureInput]) {
    self.candles = candles
    var starts = [0]
    for row in candles.indices.dropFirst() {
      let distance = candles[row].openTime.minutes(since: candles[row - 1].openTime)
      starts.append(distance > 6 ? row : starts[row - 1])
    }
    self.starts = starts
    rowOfMinute = Dictionary(uniqueKeysWithValues: candles.indices.map { (candles[$0].openTime.minute, $0) })
  }

  func vector(at row: Int) -> [String: Double] {
    var values: [String: Double] = [:]
    addTrend(row, &values)
    addMomentum(row, &values)
    addVolatility(row, &values)
    addVolume(row, &values)
    addShapeAndCalendar(row, &values)
    return values
  }

  // MARK: building blocks

  private func close(_ row: Int) -> Double { candles[row].close }

  private func typical(_ row: Int) -> Double { (candles[row].high + candles[row].low + candles[row].close) / 3 }

  private func logReturn(_ row: Int) -> Double {
    guard row > starts[row], candles[row].openTime.minutes(since: candles[row - 1].openTime) == 1 else { return .nan }
    return log(close(row) / close(row - 1))
  }

  private func trueRange(_ row: Int) -> Double {
    max(candles[row].high, close(row - 1)) - min(candles[row].low, close(row - 1))
  }

  /// The last `count` rows up to `row` of its stretch.
  private func last(_ count: Int, _ row: Int, _ value: (Int) -> Double) -> [Double]? {
    guard row - starts[row] + 1 >= count else { return nil }
    return (row - count + 1...row).map(value)
  }

  /// The last `count` values up to `row` of its stretch that are known.
  private func known(_ count: Int, _ row: Int, _ value: (Int) -> Double) -> [Double]? {
    var found: [Double] = []
    var place = row
    while place >= starts[row], found.count < count {
      let next = value(place)
      if !next.isNaN { found.append(next) }
      place -= 1
    }
    return found.count == count ? found.reversed() : nil
  }

  private func sum(_ values: [Double]?) -> Double { values?.reduce(0, +) ?? .nan }
  private func mean(_ values: [Double]?) -> Double { values.map { sum($0) / Double($0.count) } ?? .nan }

  private func deviation(_ values: [Double]?, sample: Bool) -> Double {
    guard let values else { return .nan }
    let mean = mean(values)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Double(values.count - (sample ? 1 : 0))).squareRoot()
  }

  private func ratio(_ a: Double, _ b: Double) -> Double { b > 0 ? a / b : .nan }

  /// The recursion `next` over a stretch, seeded with the mean of the first `period` terms from row `start` on.
  private func smoothed(_ period: Int, from start: Int, to row: Int, weight: Double, _ term: (Int) -> Double) -> Double
  {
    guard row - start + 1 >= period else { return .nan }
    var value = mean((start..<start + period).map(term))
    for next in start + period..<max(row + 1, start + period) { value = (1 - weight) * value + weight * term(next) }
    return value
  }

  private func ema(_ period: Int, _ row: Int, from offset: Int = 0) -> Double {
    smoothed(period, from: starts[row] + offset, to: row, weight: 2 / Double(period + 1), close)
  }

  private func wilder(_ period: Int, _ row: Int, _ term: (Int) -> Double) -> Double {
    smoothed(period, from: starts[row] + 1, to: row, weight: 1 / Double(period), term)
  }

  private func scale(_ count: Int, _ row: Int) -> Double {
    let meanSquare = mean(known(count, row) { logReturn($0) * logReturn($0) })
    return meanSquare.isNaN ? .nan : max(meanSquare.squareRoot(), 1e-5)
  }

  private func lagged(_ minutes: Int, _ row: Int) -> Double {
    rowOfMinute[candles[row].openTime.minute - Int64(minutes)].map(close) ?? .nan
  }

  // MARK: families

  private func addTrend(_ row: Int, _ values: inout [String: Double]) {
    for period in [12, 26, 50] { values["ema_\(period)"] = ema(period, row) }
    for period in [20, 50, 200] { values["sma_\(period)"] = mean(last(period, row, close)) }
    let macd = { (place: Int) in ema(12, place, from: 14) - ema(26, place) }
    let signal = smoothed(9, from: starts[row] + 25, to: row, weight: 0.2, macd)
    values["macd"] = signal.isNaN ? .nan : macd(row)
    values["macd_signal"] = signal
    values["macd_hist"] = macd(row) - signal
    values["macd_hist_atr"] = ratio(macd(row) - signal, wilder(14, row, trueRange))
    addDirection(row, &values)
    var averages: [Int: Double] = [:]
    for period in [3, 10, 12, 20, 26, 30, 60, 120, 240, 720, 1440] {
      averages[period] = smoothed(1, from: starts[row], to: row, weight: 2 / Double(period + 1)) { log(close($0)) }
    }
    func unit(_ period: Int) -> Double { scale(period > 240 ? 1440 : 240, row) * (Double(period) / 3).squareRoot() }
    for period in [3, 10, 20, 60, 120, 240, 720, 1440] {
      values["ema_distance_\(period)"] = (log(close(row)) - averages[period]!) / unit(period)
    }
    for (fast, slow) in [(12, 26), (30, 120), (60, 240), (240, 1440)] {
      values["ema_spread_\(fast)_\(slow)"] = (averages[fast]! - averages[slow]!) / unit(slow)
    }
    addReversion(row, &values)
  }

  private func addReversion(_ row: Int, _ values: inout [String: Double]) {
    func move(_ minutes: Int, _ place: Int?) -> Double {
      guard let place, let before = earlier(minutes, place), before >= starts[row] else { return .nan }
      return log(close(place) / close(before))
    }
    func earlier(_ minutes: Int, _ place: Int) -> Int? { rowOfMinute[candles[place].openTime.minute - Int64(minutes)] }
    for (minutes, count) in [(5, 240), (15, 240), (15, 1440), (60, 1440)] {
      let squares = known(count, row) { move(minutes, $0) * move(minutes, $0) }
      let scale = scale(count, row)
      values["variance_ratio_\(minutes)_\(count)"] = mean(squares) / Double(minutes) / (scale * scale)
      guard minutes > 5 else { continue }
      let products = known(count, row) { move(minutes, $0) * move(minutes, earlier(minutes, $0)) }
      values["autocorrelation_\(minutes)_\(count)"] = ratio(sum(products), sum(squares))
    }
  }

  private func addDirection(_ row: Int, _ values: inout [String: Double]) {
    var (plus, minus, range, adx) = (0.0, 0.0, 0.0, 0.0)
    let steps = row - starts[row]
    for step in stride(from: 1, through: steps, by: 1) {
      let (now, before) = (candles[starts[row] + step], candles[starts[row] + step - 1])
      let (up, down) = (now.high - before.high, before.low - now.low)
      let decay = step <= 13 ? 1 : 13.0 / 14
      plus = plus * decay + (up > 0 && up > down ? up : 0)
      minus = minus * decay + (down > 0 && down > up ? down : 0)
      range = range * decay + trueRange(starts[row] + step)
      guard step >= 14 else { continue }
      let dx = plus + minus > 0 ? 100 * abs(plus - minus) / (plus + minus) : step <= 27 ? 0 : adx
      adx = step < 27 ? adx + dx : step == 27 ? (adx + dx) / 14 : (adx * 13 + dx) / 14
    }
    let (plusIndex, minusIndex) = range > 0 ? (100 * plus / range, 100 * minus / range) : (0, 0)
    values["adx_14"] = steps >= 27 ? adx : .nan
    values["plus_di_14"] = steps >= 14 ? plusIndex : .nan
    values["minus_di_14"] = steps >= 14 ? minusIndex : .nan
    values["di_balance_14"] = steps >= 14 ? plusIndex - minusIndex : .nan
  }

  private func addMomentum(_ row: Int, _ values: inout [String: Double]) {
    for period in [14, 60] {
      let gain = wilder(period, row) { max(close($0) - close($0 - 1), 0) }
      let loss = wilder(period, row) { max(close($0 - 1) - close($0), 0) }
      values["rsi_\(period)"] = gain + loss == 0 ? 0 : 100 * gain / (gain + loss)
    }
    func position(_ place: Int) -> Double {
      guard let high = last(14, place, { candles[$0].high })?.max(),
        let low = last(14, place, { candles[$0].low })?.min()
      else { return .nan }
      return high == low ? 0 : 100 * (close(place) - low) / (high - low)
    }
    let hasThree = row - starts[row] >= 15
    values["stoch_k_14"] = hasThree ? position(row) : .nan
    values["stoch_d_3"] = mean(hasThree ? (row - 2...row).map(position) : nil)
    let isFlat = last(14, row, { candles[$0].high })?.max() == last(14, row, { candles[$0].low })?.min()
    values["willr_14"] = isFlat && !position(row).isNaN ? 0 : position(row) - 100
    let prices = last(20, row, typical)
    let distance = typical(row) - mean(prices)
    let spread = mean(prices.map { window in window.map { abs($0 - mean(window)) } })
    values["cci_20"] = spread == 0 ? 0 : distance / (0.015 * spread)
    values["roc_10"] = 100 * (close(row) / lagged(10, row) - 1)
    for minutes in [1, 5, 15, 30, 60, 120, 240, 360, 1440] {
      values["return_\(minutes)"] = log(close(row) / lagged(minutes, row))
    }
    for minutes in [1, 2, 3, 5, 10, 15, 30, 60, 90, 120, 180, 240, 360, 720, 1440] {
      let unit = scale(minutes > 240 ? 1440 : 240, row) * Double(minutes).squareRoot()
      values["return_\(minutes)_z"] = log(close(row) / lagged(minutes, row)) / unit
    }
    addRanges(row, &values)
  }

  private func addRanges(_ row: Int, _ values: inout [String: Double]) {
    for count in [60, 240, 720, 1440] {
      let high = last(count, row, { candles[$0].high })?.max() ?? .nan
      let low = last(count, row, { candles[$0].low })?.min() ?? .nan
      values["range_position_\(count)"] = ratio(log(close(row) / low), log(high / low))
      values["low_distance_\(count)"] = log(close(row) / low) / scale(240, row)
      values["high_distance_\(count)"] = log(high / close(row)) / scale(240, row)
    }
  }

  private func addVolatility(_ row: Int, _ values: inout [String: Double]) {
    var spread: [Int: Double] = [:]
    for count in [5, 15, 30, 60, 120, 240, 1440] {
      spread[count] = deviation(known(count, row, logReturn), sample: true)
      values["volatility_\(count)"] = spread[count]
    }
    for (short, long) in [(5, 60), (15, 240), (60, 1440)] {
      values["volatility_ratio_\(short)_\(long)"] = ratio(spread[short]!, spread[long]!)
    }
    let window = last(20, row, close)
    let half = 2 * deviation(window, sample: false)
    let middle = mean(window)
    values["bb_upper_20"] = middle + half
    values["bb_middle_20"] = middle
    values["bb_lower_20"] = middle - half
    values["bb_position_20"] = ratio(close(row) - (middle - half), 2 * half)
    values["bb_width_20"] = 2 * half / middle
    values["atr_14"] = wilder(14, row, trueRange)
    values["natr_14"] = 100 * wilder(14, row, trueRange) / close(row)
    for count in [15, 60] {
      let squares = last(count, row) { pow(log(candles[$0].high / candles[$0].low), 2) }
      values["parkinson_volatility_\(count)"] = (mean(squares) / (4 * log(2.0))).squareRoot()
    }
    values["volatility_decaying"] = decaying(row)
    addRealised(row, &values)
  }

  private func decaying(_ row: Int) -> Double {
    let squares = (starts[row]...row).map { logReturn($0) * logReturn($0) }.filter { !$0.isNaN }
    guard squares.count >= 60 else { return .nan }
    func root(halfLife: Double) -> Double {
      let kept = exp2(-1 / halfLife)
      return squares.dropFirst().reduce(squares[0]) { kept * $0 + (1 - kept) * $1 }.squareRoot()
    }
    return pow(root(halfLife: 10), 0.7) * pow(root(halfLife: 60), 0.3)
  }

  private func addRealised(_ row: Int, _ values: inout [String: Double]) {
    let returns = known(60, row, logReturn)
    let products = known(60, row) { $0 > starts[row] ? logReturn($0) * logReturn($0 - 1) : .nan }
    let variance = sum(returns?.map { $0 * $0 })
    let bipower = Double.pi / 2 * 60 / 59 * sum(products?.map(abs))
    values["realised_volatility_60"] = variance.squareRoot()
    values["bipower_volatility_60"] = bipower.squareRoot()
    let jumps = 1 - ratio(bipower, variance)
    values["jump_share_60"] = jumps < 0 ? 0 : jumps
    values["downside_share_60"] = ratio(sum(returns?.map { $0 < 0 ? $0 * $0 : 0 }), variance)
    values["return_autocorrelation_60"] = ratio(sum(products), variance)
    values["efficiency_60"] = ratio(abs(sum(returns)), sum(returns?.map(abs)))
  }

  private func addVolume(_ row: Int, _ values: inout [String: Double]) {
    addCumulative(row, &values)
    func flow(_ place: Int) -> (up: Double, down: Double) {
      let change = typical(place) - typical(place - 1)
      let amount = typical(place) * candles[place].volume
      return change == 0 ? (amount * 0, amount * 0) : change > 0 ? (amount, amount * 0) : (amount * 0, amount)
    }
    let flows = row - starts[row] >= 14 ? (row - 13...row).map(flow) : nil
    let (up, down) = (sum(flows?.map(\.up)), sum(flows?.map(\.down)))
    values["mfi_14"] = up + down == 0 ? 0 : 100 * up / (up + down)
    values["vwap_60"] = ratio(
      sum(last(60, row) { typical($0) * candles[$0].volume }), sum(last(60, row) { candles[$0].volume }))
    let volume = candles[row].volume
    let mean20 = mean(last(20, row) { candles[$0].volume })
    let hour = last(60, row) { candles[$0].volume }
    values["volume_mean_20"] = mean20
    values["volume_ratio_20"] = ratio(volume, mean20)
    values["volume_z_60"] = ratio(volume - mean(hour), deviation(hour, sample: false))
    for count in [5, 15, 60] { values["taker_buy_ratio_\(count)"] = buyRatio(count, row) }
    for count in [1, 5, 15, 30, 60, 120, 240, 1440] {
      values["taker_imbalance_\(count)"] = 2 * buyRatio(count, row) - 1
    }
    addPaid(row, &values)
    addActivity(row, &values)
    addImpact(240, row, &values)
  }

  private func buyRatio(_ count: Int, _ row: Int) -> Double {
    ratio(sum(last(count, row) { candles[$0].takerBuyBase }), sum(last(count, row) { candles[$0].volume }))
  }

  private func addCumulative(_ row: Int, _ values: inout [String: Double]) {
    var (obv, vpt) = (0.0, 0.0)
    for place in 0...row where !candles[place].volume.isNaN {
      let volume = candles[place].volume
      guard place > 0 else {
        obv = volume
        continue
      }
      let change = close(place) - close(place - 1)
      obv += change > 0 ? volume : change < 0 ? -volume : 0
      vpt += volume * change / close(place - 1)
    }
    let isKnown = !candles[row].volume.isNaN
    values["obv"] = isKnown ? obv : .nan
    values["vpt"] = isKnown && row > 0 ? vpt : .nan
  }

  private func addPaid(_ row: Int, _ values: inout [String: Double]) {
    for count in [1, 15, 60, 120, 240, 480, 1440] {
      let paid = ratio(sum(last(count, row) { candles[$0].quoteVolume }), sum(last(count, row) { candles[$0].volume }))
      values["vwap_distance_\(count)"] = log(close(row) / paid) / (scale(240, row) * Double(count).squareRoot())
    }
    for (short, long) in [(15, 240), (60, 1440)] {
      values["volume_trend_\(short)_\(long)"] = ratio(
        mean(last(short, row) { candles[$0].quoteVolume }), mean(last(long, row) { candles[$0].quoteVolume }))
    }
  }

  private func addActivity(_ row: Int, _ values: inout [String: Double]) {
    let trades = last(60, row) { candles[$0].trades }
    let size = ratio(candles[row].volume, candles[row].trades)
    values["trades_per_minute"] = candles[row].trades
    values["trades_ratio_60"] = ratio(candles[row].trades, mean(trades))
    values["mean_trade_size"] = size
    values["trade_size_ratio_60"] = ratio(size, ratio(sum(last(60, row) { candles[$0].volume }), sum(trades)))
  }

  private func addImpact(_ count: Int, _ row: Int, _ values: inout [String: Double]) {
    let flow = { (place: Int) in 2 * candles[place].takerBuyBase - candles[place].volume }
    let mask = { (place: Int) in logReturn(place) * 0 + flow(place) * 0 }
    var (slope, correlation) = (Double.nan, Double.nan)
    if let returns = known(count, row, { logReturn($0) + mask($0) }),
      let flows = known(count, row, { flow($0) + mask($0) })
    {
      let (meanReturn, meanFlow) = (mean(returns), mean(flows))
      let covariance = sum(zip(returns, flows).map { ($0 - meanReturn) * ($1 - meanFlow) })
      let spread = sum(flows.map { ($0 - meanFlow) * ($0 - meanFlow) })
      slope = covariance / spread
      correlation = covariance / (spread * sum(returns.map { ($0 - meanReturn) * ($0 - meanReturn) })).squareRoot()
    }
    values["flow_return_correlation_\(count)"] = correlation
    values["price_impact_\(count)"] = 1e4 * slope * mean(known(count, row) { candles[$0].volume + mask($0) })
    values["flow_surprise_\(count)"] = (logReturn(row) - slope * flow(row)) / scale(240, row)
  }

  private func addShapeAndCalendar(_ row: Int, _ values: inout [String: Double]) {
    let candle = candles[row]
    values["range_bp"] = 1e4 * log(candle.high / candle.low)
    values["close_position"] = ratio(candle.close - candle.low, candle.high - candle.low)
    values["body_position"] = ratio(candle.close - candle.open, candle.high - candle.low)
    values["range_atr"] = row > starts[row] ? ratio(trueRange(row), wilder(14, row, trueRange)) : .nan
    let minute = Int(candle.openTime.minute)
    func add(_ name: String, _ turns: Double) {
      values[name + "_sin"] = sin(2 * .pi * turns)
      values[name + "_cos"] = cos(2 * .pi * turns)
    }
    add("minute_of_hour", Double(minute % 60) / 60)
    add("time_of_day", Double(minute % 1440) / 1440)
    add("time_of_half_day", Double(minute % 720) / 720)
    add("time_of_week", Double((minute + 3 * 1440) % 10080 / 7) / 1440)
    var age = 0
    while age < min(row, 1440), candles[row].openTime.minutes(since: candles[row - age - 1].openTime) == age + 1 {
      age += 1
    }
    values["minutes_since_gap"] = Double(age)
  }
}
