import Evaluation
import Market
import Testing

struct EnsembleTests {
  private struct Fixture: Decodable {
    let logits: [[Double]]
    let labels: [Double]
    let weights: [Double]
    let loss: Double
  }

  private func loss(_ weights: [Double], _ logits: [[Double]], _ labels: [Double]) -> Double {
    labels.indices.reduce(0) { sum, row in
      sum + Logit.loss(margin: weights.indices.reduce(0) { $0 + weights[$1] * logits[$1][row] }, label: labels[row])
    } / Double(labels.count)
  }

  @Test(arguments: 0..<3)
  func `the weights are no worse than those of a constrained optimiser`(index: Int) throws {
    let fixture = try golden("ensemble", as: [Fixture].self)[index]
    let weights = EnsembleFit.weights(logits: fixture.logits, labels: fixture.labels)
    #expect(weights.allSatisfy { $0 >= 0 } && abs(weights.reduce(0, +) - 1) < 1e-12)
    #expect(loss(weights, fixture.logits, fixture.labels) < fixture.loss + 1e-9)
    for (mine, theirs) in zip(weights, fixture.weights) { #expect(abs(mine - theirs) < 1e-3) }
  }

  @Test(arguments: 0..<10)
  func `no point of a grid over the simplex is better`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    func uniform() -> Double { Double(generator.next() >> 11) / 0x1p53 }
    let labels = (0..<80).map { _ in Double(generator.next() % 2) }
    let logits = (0..<3).map { model in labels.map { ($0 - 0.5) * Double(model) * 0.3 + 3 * uniform() - 1.5 } }
    let best = loss(EnsembleFit.weights(logits: logits, labels: labels), logits, labels)
    for a in 0...20 {
      for b in 0...(20 - a) {
        let grid = [Double(a) / 20, Double(b) / 20, Double(20 - a - b) / 20]
        #expect(best <= loss(grid, logits, labels) + 1e-12)
      }
    }
  }

  @Test func `equal models and one-sided rows still give weights`() {
    let logits = [[1.0, -1, 0.5, 2], [1.0, -1, 0.5, 2]]
    let twins = EnsembleFit.weights(logits: logits, labels: [1, 0, 0, 1])
    #expect(abs(twins.reduce(0, +) - 1) < 1e-12 && twins.allSatisfy { $0 >= 0 })
    #expect(EnsembleFit.weights(logits: logits, labels: [1, 1, 1, 1]) == [0.5, 0.5])
  }
}
