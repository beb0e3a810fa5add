import Features
import Market
import Models
import Pipeline

/// How one decision came about.
struct Explanation {
  struct Contributions {
    let model: ModelName
    /// What the model answers on average, or the offset of a window.
    let start: Double
    let inputs: [(name: String, value: Double)]

    var sum: Double { inputs.reduce(start) { $0 + $1.value } }

    /// The largest first.
    var ranked: [(name: String, value: Double)] { inputs.sorted { abs($0.value) > abs($1.value) } }
  }

  let predictions: [Prediction]
  let card: VersionCard?
  /// The untransformed output of each model that answered; without a version none.
  let margins: [ModelName: Float]
  /// What the models read, raw, with latents left out.
  let inputs: [(name: String, value: Float)]
  let window: WindowState?
  let contributions: [Contributions]

  /// - Parameters:
  ///   - pipeline: as the decision left it.
  ///   - predictions: what it said.
  init(_ pipeline: borrowing PredictionPipeline, _ predictions: [Prediction], target: PredictionTarget) {
    self.predictions = predictions
    let window = pipeline.windowState(of: target)
    let vector = pipeline.vector
    self.window = window
    guard var bundle = pipeline.bundle(of: target) else {
      (card, margins, contributions) = (nil, [:], [])
      let set = FeatureSet.of(pipeline.view)
      inputs = set.modelColumns.map { (set.names[$0], vector[$0]) } + Self.extras(window)
      return
    }
    let answers = bundle.predict(vector, window: window)
    let layout = bundle.card.layout
    card = bundle.card
    let given = predictions.filter { $0.direction != nil }.map(\.modelName)
    margins = given.reduce(into: [:]) { $0[$1] = answers[$1]?.margin }
    let isRead = answers.abstention != .noWindow && answers.abstention != .noVolatility
    inputs =
      isRead
      ? zip(layout.inputNames, bundle.lastInput.prefix(layout.inputCount)).map { ($0, $1) }
      : layout.modelColumns.map { (layout.columnNames[$0], vector[$0]) } + Self.extras(window)
    let offset = target.isWindow ? answers.baseline?.margin : nil
    contributions = [ModelName.a, .c].compactMap { model in
      guard given.contains(model), let parts = bundle.contributions(of: model, offset: offset) else { return nil }
      return Contributions(model: model, start: parts.start, inputs: parts.inputs)
    }
  }

  private static func extras(_ window: WindowState?) -> [(name: String, value: Float)] {
    guard let window else { return [] }
    return [
      (WindowExtra.minutesLeft.rawValue, Float(window.minutesLeft)),
      (WindowExtra.moveBasisPoints.rawValue, Float(window.moveBasisPoints)),
    ]
  }

  /// Seconds from when the newest candle was available until the decision; below zero if it came after its close.
  var ageSeconds: Double? {
    predictions.first.map { Double($0.time.microseconds - $0.availableAt.microseconds) / 1e6 }
  }
}
