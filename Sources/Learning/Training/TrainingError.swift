package enum TrainingError: Error, Equatable, CustomStringConvertible {
  case otherFeatures(expected: String, found: String)
  case badView(String)
  case noColumn(String)
  case tooFewDecisions(Int, needed: Int)
  case tooFewFolds(Int)
  case badPlan(String)

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
    }
  }
}
