/// What RSI is made of: changes of the close, gains and losses smoothed apart.
struct SmoothedGain<let period: Int>: BitwiseCopyable, Sendable {
  private var gain = WilderAverage<period>()
  private var loss = WilderAverage<period>()

  mutating func push(change: Double) {
    gain.push(max(change, 0))
    loss.push(max(-change, 0))
  }

  /// 100 · gain / (gain + loss), 0–100; 0 without any change, NaN until `period` changes are in.
  var strength: Double {
    let total = gain.value + loss.value
    return total == 0 ? 0 : 100 * (gain.value / total)
  }
}
