package import Evaluation
package import Market
package import Storage
internal import Synchronization

/// How often it went up after probabilities like one that is said, by target, model and version, as far as outcomes of
/// live decisions have been taken.
package final class ProbabilityIntervals: Sendable {
  /// Between closes hundreds of decisions share their outcome, and what they say rests on the close before.
  package static let targets = PredictionTarget.all.filter(\.isBinary)

  private struct Maker: Hashable {
    let target: PredictionTarget
    let model: ModelName
    let version: String

    init(_ prediction: Prediction) {
      (target, model, version) = (prediction.target, prediction.modelName, prediction.version)
    }
  }

  private let bins = Mutex<[Maker: SettledBins]>([:])

  package init() {}

  /// `nil` where too little is known, and where no probability is said.
  package func interval(of prediction: Prediction) -> WilsonInterval? {
    guard let probability = prediction.probabilityUp else { return nil }
    return bins.withLock { $0[Maker(prediction)]?.interval(of: probability) }
  }

  /// Takes what came true of decisions that the store has; each once.
  package func take(_ outcomes: [PredictionOutcome], from store: any Store) throws {
    for (target, known) in Dictionary(grouping: outcomes, by: \.target) where Self.targets.contains(target) {
      let labels = Dictionary(known.map { ($0.time, $0.value) }) { _, newer in newer }
      guard let view = known.first?.view, let first = labels.keys.min(), let last = labels.keys.max() else { continue }
      let filter = PredictionFilter(
        range: first..<last.adding(microseconds: 1), view: view, target: target, mode: .live)
      try store.readPredictions(filter) { batch in
        for prediction in batch {
          guard let label = labels[prediction.time] else { continue }
          add(prediction, label)
        }
      }
    }
  }

  private func add(_ prediction: Prediction, _ label: Double) {
    guard let probability = prediction.probabilityUp else { return }
    bins.withLock {
      $0[Maker(prediction), default: SettledBins()].add(
        probability, label: label, span: prediction.time..<prediction.expiresAt)
    }
  }
}
