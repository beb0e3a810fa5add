import Evaluation
import Market
import Testing

struct CalibrationTests {
  private struct Fixture: Decodable {
    let margins: [Double]
    let labels: [Double]
    let weights: [Double]
    let platt: [Double]
    let beta: [Double]
    let betaLoss: Double
    let isotonicAt: [Double]
    let isotonic: [Double]

    var rows: MarginRows { MarginRows(margins: margins, labels: labels, weights: weights) }
  }

  /// Margins that are right up to `distort`.
  private func rows(_ seed: UInt64, count: Int, _ distort: (Double) -> Double) -> MarginRows {
    var generator = SplitMix64(seed: seed)
    func uniform() -> Double { Double(generator.next() >> 11) / 0x1p53 }
    let truth = (0..<count).map { _ in 4 * uniform() - 2 }
    let labels = truth.map { uniform() < Logit.probability(margin: $0) ? 1.0 : 0 }
    return MarginRows(margins: truth.map(distort), labels: labels)
  }

  @Test(arguments: 0..<3)
  func `Platt's map is scikit-learn's logistic regression`(index: Int) throws {
    let fixture = try golden("calibration", as: [Fixture].self)[index]
    guard case .platt(let parameters)? = CalibratorFit(.platt, fitting: fixture.rows) else {
      Issue.record("no fit")
      return
    }
    #expect(abs(parameters.a - fixture.platt[0]) < 1e-5)
    #expect(abs(parameters.b - fixture.platt[1]) < 1e-5)
  }

  @Test(arguments: 0..<3)
  func `the beta map is the bounded optimum`(index: Int) throws {
    let fixture = try golden("calibration", as: [Fixture].self)[index]
    let fit = try #require(CalibratorFit(.beta, fitting: fixture.rows))
    guard case .beta(let parameters) = fit else { return }
    #expect(abs(fit.score(fixture.rows).logLoss - fixture.betaLoss) < 1e-9)
    for (mine, theirs) in zip([parameters.a, parameters.b, parameters.c], fixture.beta) {
      #expect(abs(mine - theirs) < 1e-3)
    }
    #expect(parameters.a >= 0 && parameters.b >= 0)
  }

  @Test(arguments: 0..<3)
  func `the isotonic map without a least block is scikit-learn's`(index: Int) throws {
    let fixture = try golden("calibration", as: [Fixture].self)[index]
    let parameters = IsotonicParameters(fitting: fixture.rows, minimumBlock: 1)
    for (margin, expected) in zip(fixture.isotonicAt, fixture.isotonic) {
      #expect(abs(parameters.probability(margin: margin) - expected) < 1e-9)
    }
  }

  @Test(arguments: 0..<10)
  func `an isotonic map rises and never learns a separable set by heart`(seed: UInt64) {
    let rows = rows(seed, count: 600) { $0 }
    let separable = MarginRows(margins: rows.margins, labels: rows.margins.map { $0 > 0 ? 1 : 0 })
    for rows in [rows, separable] {
      let parameters = IsotonicParameters(fitting: rows)
      #expect(zip(parameters.values, parameters.values.dropFirst()).allSatisfy { $0 <= $1 })
      #expect(zip(parameters.thresholds, parameters.thresholds.dropFirst()).allSatisfy { $0 < $1 })
      #expect(parameters.thresholds.count <= 2 * 600 / 50)
      #expect(parameters.values.allSatisfy { $0 > 0 && $0 < 1 })
    }
  }

  @Test(arguments: 0..<5)
  func `the chooser takes the kind that undoes the distortion`(seed: UInt64) {
    let folds = [
      Fold(train: RangeSet(0..<1000), test: 1000..<2000), Fold(train: RangeSet(0..<2000), test: 2000..<3000),
    ]
    let straight = CalibratorChoice(rows(seed, count: 3000) { 3 * $0 - 1 }, folds: folds)
    #expect(straight.logLosses[.platt]! <= straight.logLosses[.isotonic]!)
    let stepped = CalibratorChoice(rows(seed, count: 3000) { $0 * $0 * $0 * $0 * $0 }, folds: folds)
    #expect(stepped.kind == .isotonic)
  }

  @Test func `without a later fold Platt stays`() {
    let choice = CalibratorChoice(rows(1, count: 100) { $0 }, folds: [])
    #expect(choice.kind == .platt && choice.logLosses.isEmpty)
  }

  @Test(arguments: CalibratorFit.Kind.allCases)
  func `rows that all went up teach nothing`(kind: CalibratorFit.Kind) {
    #expect(CalibratorFit(kind, fitting: MarginRows(margins: [1, 2, 3], labels: [1, 1, 1])) == nil)
  }

  @Test(arguments: CalibratorFit.Kind.allCases)
  func `a separable set still gives a map that rises and is finite`(kind: CalibratorFit.Kind) throws {
    let margins = (0..<400).map { Double($0) / 100 - 2 }
    let fit = try #require(
      CalibratorFit(kind, fitting: MarginRows(margins: margins, labels: margins.map { $0 > 0 ? 1 : 0 })))
    let logits = margins.map { fit.logit(margin: $0) }
    #expect(logits.allSatisfy { $0.isFinite })
    #expect(zip(logits, logits.dropFirst()).allSatisfy { $0 <= $1 })
  }

  @Test(arguments: CalibratorFit.Kind.allCases)
  func `log-odds and probabilities of a calibrator agree`(kind: CalibratorFit.Kind) throws {
    let fit = try #require(CalibratorFit(kind, fitting: rows(7, count: 800) { 0.5 * $0 + 0.2 }))
    for margin in stride(from: -6.0, through: 6, by: 0.25) {
      #expect(abs(Logit.probability(margin: fit.logit(margin: margin)) - fit.probability(margin: margin)) < 1e-12)
    }
  }
}
