import Features
import Market
import Models
import Pipeline
import Serving
import TestSupport

/// Made versions of the running view's own feature set, and vectors for them.
struct SampleModels {
  static let view = MadeVersion.view
  static let set = FeatureSet.of(view)
  static let direction = PredictionTarget.direction(horizonMinutes: 15)
  static let window = PredictionTarget.window(lengthMinutes: 15)

  let folder: TemporaryFolder
  let served: ServedModels
  private(set) var bundles: [PredictionTarget: ModelBundle] = [:]

  /// - Parameter targets: those that a version is served for.
  init(_ targets: [PredictionTarget] = [direction, window]) throws {
    folder = try TemporaryFolder()
    served = ServedModels(view: Self.view, preset: Self.direction)
    for (place, target) in targets.enumerated() {
      let bundle = try Self.bundle(target, name: "20240101-\(place + 1)", in: folder)
      bundles[target] = bundle
      served.serve(target, with: ServedVersion(bundle, standing: .production))
    }
  }

  static func bundle(_ target: PredictionTarget, name: String, in folder: TemporaryFolder) throws -> ModelBundle {
    let columns = MadeVersion.Columns(
      hash: set.hash.description, names: set.names, model: set.modelColumns.map { set.names[$0] },
      sequence: set.sequenceColumns.map { set.names[$0] })
    let path = try MadeVersion(target: target, name: name, columns: columns).write(in: folder.path)
    return try ModelBundle(path: path, view: view, featureSetHash: set.hash.description, columnNames: set.names)
  }

  static func vector(seed: UInt64) -> [Float] {
    var generator = SplitMix64(seed: seed)
    return set.names.map { name in
      if name == "volatility_30" { return 0.0006 }
      return Int.random(in: 0..<16, using: &generator) == 0 ? .nan : .random(in: -4...4, using: &generator)
    }
  }

  /// `null` for what is missing.
  static func json(_ vector: [Float]) -> String {
    "[" + vector.map { $0.isNaN ? "null" : "\($0)" }.joined(separator: ",") + "]"
  }
}
