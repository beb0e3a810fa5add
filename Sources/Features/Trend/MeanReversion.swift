/// Whether moves of a minutes, R = ln(close / close a minutes before), went on or came back among the last k that are
/// known: `variance_ratio_a_k` = (mean R² / a) / mean square of k one-minute returns, 1 for a random walk, and
/// `autocorrelation_a_k` = Σ R · (R a minutes before) / Σ R².
///
/// First value when k are known; null in a flat window.
struct MeanReversion: Indicator {
  static let columns: [FeatureColumn] = [
    .model("variance_ratio_5_240"), .raw("variance_ratio_15_240"), .sequence("variance_ratio_15_1440"),
    .raw("variance_ratio_60_1440"), .sequence("autocorrelation_15_240"), .model("autocorrelation_15_1440"),
    .raw("autocorrelation_60_1440"),
  ]

  private var logCloses = MinuteRing<128>()
  private var squares5 = Ring<241>()
  private var squares15 = Ring<1441>()
  private var squares60 = Ring<1441>()
  private var products15 = Ring<1441>()
  private var products60 = Ring<1441>()
  private var variance5x240 = WindowSum<240>()
  private var variance15x240 = WindowSum<240>()
  private var variance15x1440 = WindowSum<1440>()
  private var variance60x1440 = WindowSum<1440>()
  private var product15x240 = WindowSum<240>()
  private var product15x1440 = WindowSum<1440>()
  private var product60x1440 = WindowSum<1440>()

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    logCloses.push(step.logClose, minute: step.minute)
    push5()
    push15()
    push60()
    let (day, fourHours) = (step.perMove1440 * step.perMove1440, step.perMove240 * step.perMove240)
    row.append(variance5x240.mean * fourHours / 5)
    row.append(variance15x240.mean * fourHours / 15)
    row.append(variance15x1440.mean * day / 15)
    row.append(variance60x1440.mean * day / 60)
    row.append(ratio(product15x240.value, variance15x240.value))
    row.append(ratio(product15x1440.value, variance15x1440.value))
    row.append(ratio(product60x1440.value, variance60x1440.value))
  }

  private mutating func push5() {
    let move = move(5)
    guard !move.isNaN else { return }
    _ = squares5.push(move * move)
    variance5x240.slide(adding: move * move, removing: squares5.value(back: 240))
  }

  private mutating func push15() {
    let (move, before) = (move(15), move(15, minutesAgo: 15))
    guard !move.isNaN else { return }
    _ = squares15.push(move * move)
    variance15x240.slide(adding: move * move, removing: squares15.value(back: 240))
    variance15x1440.slide(adding: move * move, removing: squares15.value(back: 1440))
    guard !before.isNaN else { return }
    _ = products15.push(move * before)
    product15x240.slide(adding: move * before, removing: products15.value(back: 240))
    product15x1440.slide(adding: move * before, removing: products15.value(back: 1440))
  }

  private mutating func push60() {
    let (move, before) = (move(60), move(60, minutesAgo: 60))
    guard !move.isNaN else { return }
    _ = squares60.push(move * move)
    variance60x1440.slide(adding: move * move, removing: squares60.value(back: 1440))
    guard !before.isNaN else { return }
    _ = products60.push(move * before)
    product60x1440.slide(adding: move * before, removing: products60.value(back: 1440))
  }

  private mutating func move(_ minutes: Int, minutesAgo ago: Int = 0) -> Double {
    logCloses.value(minutesAgo: ago) - logCloses.value(minutesAgo: ago + minutes)
  }

  // Below the rounding of the sums is a window without movement.
  private func ratio(_ products: Double, _ squares: Double) -> Double { squares > 1e-16 ? products / squares : .nan }
}
