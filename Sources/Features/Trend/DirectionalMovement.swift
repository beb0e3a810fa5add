/// Wilder's directional movement over 14 candles as TA-Lib's: `adx_14`, `plus_di_14`, `minus_di_14` (0–100), and
/// `di_balance_14` = plus − minus.
///
/// The sums of movement and true range begin with 13 terms, then sum −= sum / 14 and += the new term. The indices begin
/// at the 15th candle, ADX (the mean of 14 DX, then Wilder's smoothing) at the 28th. A candle without any movement in
/// its window leaves ADX as it was.
struct DirectionalMovement: Indicator {
  static let columns: [FeatureColumn] = [
    .raw("adx_14"), .raw("plus_di_14"), .raw("minus_di_14"), .raw("di_balance_14"),
  ]

  private var plus = 0.0
  private var minus = 0.0
  private var trueRange = 0.0
  private var plusIndex = 0.0
  private var minusIndex = 0.0
  private var adx = 0.0
  private var seen = 0

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    if step.hasPrevious { fold(step) }
    row.append(seen >= 27 ? adx : .nan)
    row.append(seen >= 14 ? plusIndex : .nan)
    row.append(seen >= 14 ? minusIndex : .nan)
    row.append(seen >= 14 ? plusIndex - minusIndex : .nan)
  }

  private mutating func fold(_ step: borrowing CandleStep) {
    let up = step.candle.high - step.previousHigh
    let down = step.previousLow - step.candle.low
    if seen >= 13 {
      plus -= plus / 14
      minus -= minus / 14
      trueRange -= trueRange / 14
    }
    if down > 0, up < down {
      minus += down
    } else if up > 0, up > down {
      plus += up
    }
    trueRange += step.trueRange
    seen = min(seen + 1, 28)
    if seen >= 14 { smooth() }
  }

  private mutating func smooth() {
    (plusIndex, minusIndex) = (index(plus), index(minus))
    let sum = plusIndex + minusIndex
    let strength = sum > 0 ? 100 * (abs(minusIndex - plusIndex) / sum) : nil
    if seen < 28 {
      adx += strength ?? 0
      if seen == 27 { adx /= 14 }
    } else if let strength {
      adx = (adx * 13 + strength) / 14
    }
  }

  private func index(_ movement: Double) -> Double { trueRange > 0 ? 100 * (movement / trueRange) : 0 }
}
