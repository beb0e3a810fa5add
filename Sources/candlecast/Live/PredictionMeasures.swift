import Market
import Operations

/// How predictions that are served came out, in histograms.
struct PredictionMeasures: Sendable {
  /// When it is predicted.
  enum Cadence: String, Sendable, CaseIterable {
    /// At each close of a candle.
    case close
    case tick

    init(_ prediction: Prediction) { self = prediction.forecast == nil ? .close : .tick }
  }

  private struct Measures: Sendable {
    var latency = Histogram([1e-5, 2e-5, 4e-5, 8e-5, 1.5e-4, 3e-4, 6e-4, 0.001, 0.0025, 0.01, 0.1, 1])
    var age = Histogram([0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5, 10, 30, 60])
    var confidence = Histogram((1...10).map { Double($0) / 10 })
  }

  private var close = Measures()
  private var tick = Measures()
  /// Moments at which a model of the tick cadence gave no answer and the line through the prices stood in for it.
  private(set) var unanswered = 0

  /// - Parameter now: when they were made, by the feed's clock.
  mutating func add(_ predictions: [Prediction], at now: Timestamp) {
    for prediction in predictions {
      switch Cadence(prediction) {
      case .close: Self.add(prediction, at: now, to: &close)
      case .tick: Self.add(prediction, at: now, to: &tick)
      }
      // Of the predictions of such a moment one is the baseline's.
      if prediction.state == "linear", prediction.modelName == .baseline { unanswered += 1 }
    }
  }

  private static func add(_ prediction: Prediction, at now: Timestamp, to measures: inout Measures) {
    measures.latency.add(Double(prediction.latencyNanoseconds) / 1e9)
    if let age = ageSeconds(prediction, at: now) { measures.age.add(age) }
    if let confidence = prediction.confidence { measures.confidence.add(confidence) }
  }

  /// At a close the newest input is the candle that closed. `nil` where no input has come.
  private static func ageSeconds(_ prediction: Prediction, at now: Timestamp) -> Double? {
    guard let forecast = prediction.forecast else {
      return Double(now.microseconds - prediction.time.microseconds) / 1e6
    }
    return forecast.inputAgeMilliseconds.map { Double($0) / 1000 }
  }

  func write(to page: inout PrometheusText) {
    func histograms(_ part: KeyPath<Measures, Histogram>) -> [(histogram: Histogram, labels: [PrometheusText.Label])] {
      [(Cadence.close, close), (.tick, tick)].map { cadence, measures in
        (measures[keyPath: part], [.init("cadence", cadence.rawValue)])
      }
    }
    page.add(
      "candlecast_prediction_latency_seconds", "From the input to the prediction, without those of shadows.",
      histograms(\.latency))
    page.add(
      "candlecast_feature_age_seconds",
      "Age of the newest input of a prediction when it was made, by the feed's clock.", histograms(\.age))
    page.add(
      "candlecast_prediction_confidence", "Confidence of predictions that do not abstain.", histograms(\.confidence))
  }
}
