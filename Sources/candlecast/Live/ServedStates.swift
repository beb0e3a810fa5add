import Market

/// The states of the newest answers, so that it is noticed when they change.
struct ServedStates {
  private struct Answer: Hashable {
    let target: PredictionTarget
    let model: ModelName
    /// Versions that share the decisions need not be in the same state.
    let arm: Prediction.Arm
  }

  /// What became of answers that were alike.
  struct Change {
    let old: String
    let new: String
    let reason: String
    fileprivate(set) var targets: [PredictionTarget]
    fileprivate(set) var models: [ModelName]

    var sentence: String {
      let whose = targets.map(\.description).joined(separator: ", ")
      let by = models.map(\.rawValue).joined(separator: ", ")
      return "\(whose) (\(by)): \(old) → \(new)" + (reason.isEmpty ? "" : ": \(reason)")
    }
  }

  /// Each window of a version begins so.
  private static let usual = "abstain:no_offset"

  private var states: [Answer: String] = [:]

  /// Those that change alike at once are one change. What is said for the first time has not changed.
  mutating func changes(in predictions: [Prediction]) -> [Change] {
    var changes: [Change] = []
    for prediction in predictions where prediction.state != Self.usual {
      let answer = Answer(target: prediction.target, model: prediction.modelName, arm: prediction.arm)
      guard let old = states.updateValue(prediction.state, forKey: answer), old != prediction.state else { continue }
      Self.add(prediction, from: old, to: &changes)
    }
    return changes
  }

  private static func add(_ prediction: Prediction, from old: String, to changes: inout [Change]) {
    let (target, model) = (prediction.target, prediction.modelName)
    guard let place = changes.firstIndex(where: { $0.old == old && $0.new == prediction.state }) else {
      return changes.append(
        Change(old: old, new: prediction.state, reason: prediction.reason, targets: [target], models: [model]))
    }
    if !changes[place].targets.contains(target) { changes[place].targets.append(target) }
    if !changes[place].models.contains(model) { changes[place].models.append(model) }
  }
}
