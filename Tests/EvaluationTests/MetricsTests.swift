import Evaluation
import Market
import Testing

struct MetricsTests {
  private struct Expected: Decodable {
    let logLoss: Double
    let brier: Double
    let auc: Double
    let accuracy: Double
    let ece: Double
  }

  private struct Fixture: Decodable {
    let probabilities: [Double]
    let labels: [Double]
    let weights: [Double]
    let plain: Expected
    let weighted: Expected
  }

  @Test(arguments: [false, true])
  func `the metrics are those of scikit-learn`(isWeighted: Bool) throws {
    let fixture: Fixture = try golden("metrics")
    let expected = isWeighted ? fixture.weighted : fixture.plain
    let scored = Scored(
      probabilities: fixture.probabilities, labels: fixture.labels, weights: isWeighted ? fixture.weights : nil)
    #expect(abs(scored.logLoss - expected.logLoss) < 1e-12)
    #expect(abs(scored.brier - expected.brier) < 1e-12)
    #expect(abs(scored.auc - expected.auc) < 1e-12)
    #expect(abs(scored.accuracy - expected.accuracy) < 1e-12)
    #expect(abs(scored.calibrationError - expected.ece) < 1e-12)
  }

  @Test(arguments: 0..<20)
  func `the area under the curve is the share of pairs in order`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let scored = Scored(
      probabilities: (0..<60).map { _ in Double(generator.next() % 10) / 10 },
      labels: (0..<60).map { _ in Double(generator.next() % 2) },
      weights: (0..<60).map { _ in Double(generator.next() % 4) })
    var (won, pairs) = (0.0, 0.0)
    for up in 0..<60 where scored.labels[up] == 1 {
      for down in 0..<60 where scored.labels[down] == 0 {
        let weight = scored.weight(up) * scored.weight(down)
        pairs += weight
        let (higher, lower) = (scored.probabilities[up], scored.probabilities[down])
        won += weight * (higher > lower ? 1 : higher == lower ? 0.5 : 0)
      }
    }
    #expect(abs(scored.auc - won / pairs) < 1e-12)
  }

  @Test func `skill is what is left of the baseline's error`() {
    let labels = [1.0, 0, 1, 0]
    let baseline = Scored(probabilities: [0.5, 0.5, 0.5, 0.5], labels: labels)
    #expect(baseline.with(probabilities: labels).brierSkill(over: baseline) == 1)
    #expect(baseline.brierSkill(over: baseline) == 0)
    #expect(baseline.with(probabilities: [0, 1, 0, 1]).brierSkill(over: baseline) == -3)
  }

  @Test func `a reliability table tells the share of ups of each bin`() {
    let scored = Scored(probabilities: [0.1, 0.15, 0.62, 1], labels: [0, 1, 1, 1], weights: [1, 3, 2, 2])
    let bins = scored.reliability(binCount: 5)
    #expect(bins.map(\.count) == [2, 1, 1])
    #expect(bins[0].upShare == 0.75)
    #expect(abs(bins[0].meanProbability - 0.1375) < 1e-12)
    #expect(bins.map(\.weightShare) == [0.5, 0.25, 0.25])
    #expect(bins[2].high == 1)
  }

  @Test func `probabilities that are as good as they say have no calibration error by quantiles`() {
    let scored = Scored(
      probabilities: (0..<300).map { $0 < 150 ? 0.4 : 0.6 },
      labels: (0..<300).map { $0 % 5 < ($0 < 150 ? 2 : 3) ? 1 : 0 })
    #expect(scored.quantileCalibrationError(binCount: 10) < 1e-12)
  }

  @Test func `accuracy is told by confidence and by minutes left`() {
    let scored = Scored(probabilities: [0.52, 0.47, 0.7, 0.3, 1], labels: [1, 1, 1, 0, 1])
    let bands = scored.accuracyByConfidence
    #expect(bands.map(\.name) == ["0.50–0.55", "0.70–0.75", "0.95–1.00"])
    #expect(bands.map(\.accuracy) == [0.5, 1, 1])
    #expect(scored.accuracy(by: [4, 4, 1, 1, 1]).map(\.name) == ["1", "4"])
  }

  @Test func `errors of quantities are in their unit`() {
    let changes = ScoredChanges(predictions: [1, -1, 0], labels: [2, -1, 2])
    #expect(changes.rootMeanSquaredError == (5.0 / 3).squareRoot())
    #expect(changes.meanAbsoluteError == 1)
    #expect(changes.hits == [1, 1, 1])
  }
}
