import Learning
import Market
import Models
import Testing

struct TrainingPlanTests {
  @Test func `overrides change what they name and nothing else`() throws {
    let plan = try TrainingPlan(overrides: [
      "target": "window-15m", "folds": 3, "trees": ["rounds": 7, "learningRate": 0.5], "sequence": ["epochs": 2],
      "calibratorKind": "beta",
    ])
    var expected = TrainingPlan(target: .window(lengthMinutes: 15))
    (expected.folds, expected.trees.rounds, expected.trees.learningRate) = (3, 7, 0.5)
    (expected.sequence.epochs, expected.calibratorKind) = (2, "beta")
    #expect(plan == expected)
  }

  @Test(arguments: PredictionTarget.all) func `a target alone gives its own plan`(target: PredictionTarget) throws {
    #expect(try TrainingPlan(overrides: ["target": .string(target.description)]) == TrainingPlan(target: target))
  }

  @Test(
    arguments: [
      ["target": "direction-15m", "fold": 3], ["target": "direction-15m", "trees": ["round": 3]],
      ["target": "direction-15m", "trees": ["calibratorKind": "beta"]], ["target": "direction-15m", "folds": "three"],
      ["target": "direction-15m", "trees": 5], ["target": "direction-15m", "folds": nil], ["target": "sideways-15m"],
      ["folds": 3], [], 7,
    ] as [JSONNode])
  func `what a plan does not know is refused`(overrides: JSONNode) {
    #expect(throws: TrainingError.self) { try TrainingPlan(overrides: overrides) }
  }
}
