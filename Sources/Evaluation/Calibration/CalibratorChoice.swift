/// Which kind of calibrator a model gets, by what each kind scores on rows later than those it was fitted on.
package struct CalibratorChoice: Codable, Hashable, Sendable {
  package let kind: CalibratorFit.Kind
  /// Weighted mean log-loss on the folds judged; empty when there was only one fold, which leaves Platt.
  package let logLosses: [CalibratorFit.Kind: Double]

  /// `folds` are those of `WalkForward.outOfFold`; rows outside them are not read.
  ///
  /// The simpler kind stays unless a richer one is better.
  package init(_ rows: MarginRows, folds: [Fold]) {
    var losses: [CalibratorFit.Kind: Double] = [:]
    for kind in CalibratorFit.Kind.allCases {
      losses[kind] = Self.logLoss(of: kind, rows, folds)
    }
    logLosses = losses
    kind = CalibratorFit.Kind.allCases.reduce(.platt) { best, next in
      guard let loss = losses[next], let least = losses[best] else { return best }
      return loss < least ? next : best
    }
  }

  private static func logLoss(of kind: CalibratorFit.Kind, _ rows: MarginRows, _ folds: [Fold]) -> Double? {
    var (sum, total) = (0.0, 0.0)
    for fold in folds {
      guard let fit = CalibratorFit(kind, fitting: rows.selecting(fold.train.rows)) else { continue }
      let scored = fit.score(rows.selecting(fold.test))
      let weight = scored.weights?.reduce(0, +) ?? Double(scored.count)
      sum += weight * scored.logLoss
      total += weight
    }
    return total > 0 ? sum / total : nil
  }
}
