import Evaluation
import Features
import Market
import Settlement

/// What is learnt from decisions whose outcome is known: folds, the last fold's scaler, a small logistic regression and
/// calibrators of what it says.
struct Lesson {
  private static let foldCount = 3
  /// Columns of the small regression, and how many rows it skips; the proof needs a fit, not a good one.
  private static let fittedColumns = 8
  private static let fittedEvery = 4

  let spans: LabelSpans
  let labels: [Double]
  private let target: PredictionTarget
  private let set: FeatureSet
  private let columns: [Int]
  private let matrix: RowMatrix
  private let folds: [Fold]

  /// - Parameters:
  ///   - prices: what is known of them at `cut`.
  ///   - ticks: as much of an oracle's observations as is known at `cut`.
  init(
    _ decided: DecidedRows, prices: PricePath, ticks: TickPath?, target: PredictionTarget, view: MarketView,
    by cut: Timestamp
  ) throws {
    self.target = target
    let settled = SettledTarget(target, source: view.price)
    let outcomes = try settled.labels(at: decided.times, prices: prices, ticks: ticks)
    let rows = decided.times.indices.filter { outcomes.values[$0].isFinite && outcomes.labelEnds[$0] <= cut }
    spans = LabelSpans(
      decisionTimes: rows.map { decided.times[$0] }, labelEnds: rows.map { outcomes.labelEnds[$0] })
    labels = rows.map { outcomes.values[$0] }
    set = .of(view)
    let columns = set.modelColumns
    self.columns = columns
    matrix = RowMatrix(
      values: rows.flatMap { row in columns.map { decided.vectors[row][$0] } }, columnCount: columns.count)
    folds = WalkForward(foldCount: Self.foldCount, embargoMinutes: target.horizonMinutes).folds(spans)
  }

  var artefacts: [Artefact] {
    let text = folds.map { "\($0.train.ranges) \($0.test)" }.joined(separator: "; ")
    guard let fold = folds.last else { return [Artefact("folds", text)] }
    return [Artefact("folds", text)] + scaled(fold) + (target.isBinary ? fitted(fold) : [])
  }

  private func scaled(_ fold: Fold) -> [Artefact] {
    let scaler = Standardisation(matrix, training: fold.train)
    let names = set.names
    return [Artefact("scaler", scaler.mean + scaler.scale)]
      + columns.enumerated().map { column, index in
        Artefact(
          "scaled \(names[index])", fold.test.map { scaler.value(value($0, column), column: column) })
      }
  }

  private func fitted(_ fold: Fold) -> [Artefact] {
    let small = RowMatrix(
      values: (0..<spans.count).flatMap { row in
        (0..<Self.fittedColumns).map { value(row, $0 * columns.count / Self.fittedColumns) }
      }, columnCount: Self.fittedColumns)
    let rows = fold.train.rows.filter { $0.isMultiple(of: Self.fittedEvery) }.map { $0..<$0 + 1 }
    let logistic = LogisticRegression(
      fitting: LogisticRegression.Problem(matrix: small, labels: labels, training: RangeSet(rows)))
    let margins = MarginRows(
      margins: fold.test.map { logistic.margin(small.row($0)) }, labels: fold.test.map { labels[$0] })
    return [Artefact("logistic regression", logistic.coefficients + [logistic.intercept])]
      + CalibratorFit.Kind.allCases.map { kind in
        Artefact("calibrator \(kind.rawValue)", CalibratorFit(kind, fitting: margins)?.parameters ?? [])
      }
  }

  private func value(_ row: Int, _ column: Int) -> Float { matrix.values[row * columns.count + column] }
}

extension CalibratorFit {
  fileprivate var parameters: [Double] {
    switch self {
    case .platt(let fit): [fit.a, fit.b]
    case .beta(let fit): [fit.a, fit.b, fit.c]
    case .isotonic(let fit): fit.thresholds + fit.values
    }
  }
}
