import Market
import Operations
import Serving

extension Prediction {
  /// The probability of up, or the predicted change in percent.
  var answerText: String {
    if let probabilityUp { return "\(probabilityUp.rounded(digits: 4))" }
    return changePercent.map { "\($0.rounded(digits: 4)) %" } ?? "–"
  }
}

/// The models' answers at one decision, for people.
enum PredictionTable {
  static func text(_ predictions: [Prediction]) -> String {
    guard let first = predictions.first else { return "no decision is made at that time" }
    var table = Table([
      ("model", .left), ("up", .right), ("direction", .left), ("confidence", .right), ("state", .left),
    ])
    for prediction in predictions {
      table.add(
        prediction.modelName.rawValue, prediction.answerText, prediction.direction?.rawValue ?? "–",
        prediction.confidence.map { "\($0.rounded(digits: 4))" } ?? "–", prediction.state)
    }
    let version = first.version.isEmpty ? "no version" : first.version
    let reason = first.reason.isEmpty ? "" : "\n\(first.state): \(first.reason)"
    return "\(first.target)@\(first.view) at \(first.time), \(version)\n\(table.text)\(reason)"
  }
}
