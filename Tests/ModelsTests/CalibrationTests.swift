import FoundationEssentials
import Market
import Testing

@testable import Models

struct CalibrationTests {
  static let calibrators: [Calibrator] = [
    .identity, .platt(slope: 0.7, intercept: -0.1), .beta(a: 0.9, b: 1.2, c: 0.05),
    .isotonic(Calibrator.Points(margins: [-1, 0, 0.5], probabilities: [0.2, 0.5, 0.9])!),
  ]

  @Test(arguments: calibrators)
  func `probabilities ascend with the margin and stay in range`(calibrator: Calibrator) {
    var last = 0.0
    for margin in stride(from: -800.0, through: 800, by: 0.25) {
      let probability = calibrator.probability(margin: margin)
      #expect(Probability.range.contains(probability))
      #expect(probability >= last)
      last = probability
    }
  }

  @Test(arguments: calibrators)
  func `what is encoded is decoded`(calibrator: Calibrator) throws {
    #expect(try StableJSON.decode(Calibrator.self, from: try StableJSON.encode(calibrator)) == calibrator)
  }

  @Test func `beta with equal slopes is Platt, and with ones the identity`() {
    for margin in [-9, -1.5, 0, 0.3, 4.0] {
      let beta = Calibrator.beta(a: 0.8, b: 0.8, c: 0.1).probability(margin: margin)
      #expect(abs(beta - Calibrator.platt(slope: 0.8, intercept: 0.1).probability(margin: margin)) < 1e-12)
      let one = Calibrator.beta(a: 1, b: 1, c: 0).probability(margin: margin)
      #expect(abs(one - Calibrator.identity.probability(margin: margin)) < 1e-12)
    }
  }

  @Test func `isotonic is level outside its points and straight between them`() {
    let points = Calibrator.Points(margins: [-1, 0, 0.5], probabilities: [0.2, 0.5, 0.9])!
    let calibrator = Calibrator.isotonic(points)
    #expect(calibrator.probability(margin: -5) == 0.2)
    #expect(calibrator.probability(margin: 5) == 0.9)
    #expect(abs(calibrator.probability(margin: -0.5) - 0.35) < 1e-12)
    #expect(calibrator.probability(margin: 0) == 0.5)
  }

  @Test(arguments: [
    #"{"kind":"isotonic","margins":[1,0],"probabilities":[0.1,0.2]}"#,
    #"{"kind":"isotonic","margins":[],"probabilities":[]}"#, #"{"kind":"oracle"}"#, #"{"kind":"platt","slope":1}"#,
    #"{"kind":"isotonic","margins":[0,1],"probabilities":[0.1,2]}"#,
  ])
  func `a calibrator that makes no sense is refused`(json: String) {
    #expect(throws: (any Error).self) { try StableJSON.decode(Calibrator.self, from: Array(json.utf8)) }
  }

  @Test func `the ensemble abstains when a voice with weight is missing`() {
    let weights = EnsembleWeights(a: 0.5, b: 0, c: 0.5)!
    #expect(weights.mean(a: 1, b: nil, c: 3) == 2)
    #expect(weights.mean(a: 1, b: 2, c: nil) == nil)
    #expect(EnsembleWeights(a: 0.5, b: 0.6, c: 0) == nil)
    #expect(EnsembleWeights(a: 1.5, b: -0.5, c: 0) == nil)
  }

  @Test func `the normal distribution is exact, in the tails too`() {
    let expected = [(0.0, 0.5), (1.959963984540054, 0.975), (-1, 0.15865525393145707), (-8, 6.22096057427178e-16)]
    for (z, value) in expected { #expect(abs(ClosedForm.normal(z) / value - 1) < 1e-12) }
  }

  @Test func `the closed form needs a volatility and time`() throws {
    let window = WindowState(minutesLeft: 4, moveBasisPoints: 10)
    let form = try #require(ClosedForm(window, volatility: 0.0005))
    #expect(abs(form.z - 1) < 1e-12)
    #expect(abs(form.probability.value - 0.8413447460685429) < 1e-12)
    #expect(ClosedForm(window, volatility: 0) == nil)
    #expect(ClosedForm(window, volatility: .nan) == nil)
    #expect(ClosedForm(WindowState(minutesLeft: 0, moveBasisPoints: 10), volatility: 0.0005) == nil)
    let sure = try #require(ClosedForm(WindowState(minutesLeft: 1, moveBasisPoints: 900), volatility: 0.0005))
    #expect(sure.probability.value == 1 - 1e-4)
  }

  @Test func `the scaler holds values within eight and takes what is missing as the mean`() throws {
    let scaler = try #require(Scaler(mean: [10, 0, 5], scale: [0.5, 100, 0]))
    #expect(scaler.scaled([12, 1, .infinity]) == [1, 8, 0])
    #expect(scaler.scaled([.nan, -1, 5]) == [0, -8, 0])
    #expect(Scaler(mean: [.nan], scale: [1]) == nil)
  }
}
