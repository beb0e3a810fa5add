import Market
import Models
import Operations
import Serving

extension Explanation {
  /// How many contributions people are shown.
  private static let shownContributions = 15

  func text(_ stored: StoredComparison) -> String {
    var parts = [PredictionTable.text(predictions) + "\n" + circumstances, marginTable]
    parts += contributions.filter { $0.model == .a }.map(contributionTable)
    parts += [inputTable, stored.text]
    return parts.filter { !$0.isEmpty }.joined(separator: "\n\n")
  }

  func json(_ stored: StoredComparison) -> JSONValue {
    guard let first = predictions.first else { return .null }
    let baseline = predictions.first { $0.modelName == .baseline }
    return [
      "time": .text(first.time.description), "target": .text(first.target.description),
      "view": .text(first.view.description), "version": JSONValue(card?.name.description),
      "state": .text(first.state), "reason": .text(first.reason), "input_hash": .text(first.inputHashText),
      "feature_set": .text(first.featureSetHash), "available_at": .text(first.availableAt.description),
      "window": windowJSON, "models": .array(predictions.map(modelJSON)),
      "baseline": JSONValue(baseline?.answer),
      "inputs": .array(
        inputs.map { input in
          ["name": .text(input.name), "value": JSONValue(Double(input.value)), "age_seconds": JSONValue(ageSeconds)]
        }),
      "contributions": .object(contributions.map { .init($0.model.rawValue, contributionsJSON($0)) }),
      "stored": stored.json,
    ]
  }

  private var circumstances: String {
    var lines: [String] = []
    if let first = predictions.first, let ageSeconds {
      let age = ageSeconds < 0 ? "\(-ageSeconds) s after the decision time" : "\(ageSeconds) s before the decision time"
      lines.append(
        "newest candle opened \(first.time.adding(minutes: -1)), available \(age); inputs \(first.inputHashText)")
    }
    if let card {
      lines.append("trained on \(card.dataset.from) to \(card.dataset.to), \(card.trainRows.grouped) rows")
    }
    if let window {
      lines.append(
        "window: \(window.minutesLeft) minutes left, moved \(window.moveBasisPoints.rounded(digits: 2)) basis points")
    }
    return lines.joined(separator: "\n")
  }

  private var marginTable: String {
    guard !margins.isEmpty else { return "" }
    var table = Table([("model", .left), ("margin", .right)])
    for model in ModelName.ofCandles {
      if let margin = margins[model] { table.add(model.rawValue, "\(margin)") }
    }
    return table.text
  }

  private func contributionTable(_ contributions: Contributions) -> String {
    let values = Dictionary(inputs.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    var table = Table([("input", .left), ("value", .right), ("adds", .right)])
    let ranked = contributions.ranked
    table.add("(start)", "", "\(contributions.start.rounded(digits: 6))")
    for input in ranked.prefix(Self.shownContributions) {
      table.add(input.name, values[input.name].map { "\($0)" } ?? "–", "\(input.value.rounded(digits: 6))")
    }
    let rest = ranked.dropFirst(Self.shownContributions)
    table.add("(\(rest.count) others)", "", "\(rest.reduce(0) { $0 + $1.value }.rounded(digits: 6))")
    table.add("(margin)", "", "\(contributions.sum.rounded(digits: 6))")
    return "what the inputs add to \(contributions.model.rawValue)'s margin\n\(table.text)"
  }

  private var inputTable: String {
    var table = Table([("input", .left), ("value", .right), ("age", .right)])
    let age = ageSeconds.map { "\($0) s" } ?? "–"
    for input in inputs { table.add(input.name, input.value.isNaN ? "–" : "\(input.value)", age) }
    return table.text
  }

  private var windowJSON: JSONValue {
    guard let window else { return .null }
    return [
      "minutes_left": JSONValue(window.minutesLeft), "move_basis_points": JSONValue(window.moveBasisPoints),
    ]
  }

  private func modelJSON(_ prediction: Prediction) -> JSONValue {
    [
      "model": .text(prediction.modelName.rawValue),
      "margin": JSONValue(margins[prediction.modelName].map(Double.init)),
      "probability_up": JSONValue(prediction.probabilityUp), "change_percent": JSONValue(prediction.changePercent),
      "direction": JSONValue(prediction.direction?.rawValue), "confidence": JSONValue(prediction.confidence),
      "state": .text(prediction.state), "reason": .text(prediction.reason),
    ]
  }

  private func contributionsJSON(_ contributions: Contributions) -> JSONValue {
    [
      "start": JSONValue(contributions.start), "margin": JSONValue(contributions.sum),
      "inputs": .object(contributions.ranked.map { .init($0.name, JSONValue($0.value)) }),
    ]
  }
}
