import Features
import Market
import Operations
import Pipeline
import Serving
import Storage

/// How what was said between candles came about, as the tape tells it.
struct TickExplanation {
  /// All of one target at one moment, the answer first.
  let predictions: [Prediction]
  /// What they were made of.
  let point: TickPoint

  /// - Parameter store: what the recorded runs began with.
  /// - Returns: `nil` if the tape does not have that moment, or not yet.
  static func of(
    _ target: PredictionTarget, at time: Timestamp, from store: any Store, _ context: CommandContext
  ) throws -> TickExplanation? {
    var found: TickExplanation?
    let witness = TickWitness(time..<time.adding(microseconds: 1), wantsInputs: true) { predictions, point in
      let asked = predictions.filter { $0.target == target }
      guard let point, !asked.isEmpty else { return }
      found = TickExplanation(predictions: asked, point: point)
    }
    try RecordingReplay(context, hearing: witness, history: store)?.run()
    return found
  }

  func json(_ stored: StoredComparison) -> JSONValue {
    guard let first = predictions.first else { return .null }
    let age = JSONValue(point.ageMilliseconds.map { Double($0) / 1000 })
    return [
      "time": .text(first.time.description), "target": .text(first.target.description),
      "view": .text(first.view.description), "version": JSONValue(first.version.isEmpty ? nil : first.version),
      "state": .text(first.state), "reason": .text(first.reason), "input_hash": .text(first.inputHashText),
      "feature_set": .text(first.featureSetHash), "available_at": .text(first.availableAt.description),
      "source": .text(point.source.rawValue), "models": .array(predictions.map(\.json)),
      "inputs": .array(
        inputs.map { ["name": .text($0.name), "value": JSONValue($0.value), "age_seconds": age] }),
      "contributions": .object([]), "stored": stored.json,
    ]
  }

  func text(_ stored: StoredComparison) -> String {
    var table = Table([("input", .left), ("value", .right)])
    for input in inputs { table.add(input.name, input.value.map { "\($0)" } ?? "–") }
    let age = point.ageMilliseconds.map { "\($0) ms old" } ?? "of no known age"
    return [PredictionTable.text(predictions), "inputs \(age), \(point.source.rawValue)", table.text, stored.text]
      .joined(separator: "\n\n")
  }

  private var inputs: [(name: String, value: Double?)] {
    Array(zip(TickInputs.names, point.inputs.values)) + [("mean_close_60m", point.inputs.reference)]
  }
}
