package enum TrainingError: Error, Equatable, CustomStringConvertible {
  case otherFeatures(expected: String, found: String)
  case badView(String)
  case noColumn(String)
  case tooFewDecisions(Int, needed: Int)
  case tooFewFolds(Int)
  case badPlan(String)
  case otherInputs(expected: String, found: String)
  case tooLittleTape(hours: Double, needed: Double)
  case tooFewPoints(Int, needed: Int)
  case neverMoves

  package var description: String {
    switch self {
    case .otherFeatures(let expected, let found):
      "the dataset holds feature set \(found), this program computes \(expected): train again from the store"
    case .badView(let text): "the dataset's market view “\(text)” cannot be read"
    case .noColumn(let name): "the feature set has no column “\(name)”"
    case .tooFewDecisions(let count, let needed):
      "only \(count) decisions with a known outcome, at least \(needed) are needed: import more candles or widen --from/--to"
    case .tooFewFolds(let count): "the data gives only \(count) walk-forward folds, at least 2 are needed"
    case .badPlan(let reason): "the training plan cannot be used: \(reason)"
    case .otherInputs(let expected, let found):
      "the dataset holds tick inputs \(found), this program computes \(expected): train again from the tape"
    case .tooLittleTape(let hours, let needed):
      "only \(Self.text(hours)) h of tape, at least \(Self.text(needed)) h are needed (training.min_tape_hours): record "
        + "longer, or lower the knob to try things out"
    case .tooFewPoints(let count, let needed):
      "only \(count) points of the tape have all inputs and a known outcome, at least \(needed) are needed: record longer"
    case .neverMoves: "the price never moves on this tape, so nothing can be learnt from it"
    }
  }

  /// Hours with one decimal, rounded down so that too few never look like enough.
  private static func text(_ hours: Double) -> String {
    let tenths = Int64((max(0, min(hours, 1e9)) * 10).rounded(.down))
    return tenths.isMultiple(of: 10) ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }
}
