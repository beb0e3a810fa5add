import Glibc

/// `volatility_decaying`: a^0.7 · b^0.3, where a and b are the roots of exponentially weighted mean squares of one-minute
/// log returns with half-lives of 10 and 60 minutes. Of the volatilities here it is the best yardstick of the next
/// quarter of an hour.
///
/// Both means start at the first square; first value at the 60th return that is known.
struct DecayingVolatility: Indicator {
  static let columns: [FeatureColumn] = [.raw("volatility_decaying")]

  private static let fastGain = 1 - exp2(-1.0 / 10)
  private static let slowGain = 1 - exp2(-1.0 / 60)

  private var fast = 0.0
  private var slow = 0.0
  private var count = 0

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    if !step.logReturn.isNaN { push(step.logReturn * step.logReturn) }
    // One power instead of two: f^0.35 · s^0.15 = (f⁷ · s³)^0.05.
    let cube = fast * fast * fast
    row.append(count < 60 ? .nan : pow(cube * cube * fast * (slow * slow * slow), 0.05))
  }

  private mutating func push(_ square: Double) {
    fast += count == 0 ? square : Self.fastGain * (square - fast)
    slow += count == 0 ? square : Self.slowGain * (square - slow)
    count = min(count + 1, 60)
  }
}
