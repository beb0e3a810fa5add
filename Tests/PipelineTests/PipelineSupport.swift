import Features
import Market
import Models
import Pipeline
import TestSupport

/// Keeps everything in order.
struct Kept: PipelineSink {
  private(set) var predictions: [Prediction] = []

  mutating func receive(_ prediction: Prediction) { predictions.append(prediction) }

  func states(_ name: ModelName) -> [String] { predictions.filter { $0.modelName == name }.map(\.state) }
}

extension MadeVersion {
  /// Small, and for the vectors that a pipeline computes.
  static func served(_ target: PredictionTarget, _ view: MarketView = MadeVersion.view) -> MadeVersion {
    let set = FeatureSet.of(view)
    let columns = MadeVersion.Columns(
      hash: set.hash.description, names: set.names, model: set.modelColumns.map { set.names[$0] },
      sequence: set.sequenceColumns.map { set.names[$0] })
    return MadeVersion(target: target, name: "made-\(target)", view: view, columns: columns, treeCount: 3, depth: 2)
  }

  func bundle(in folder: TemporaryFolder) throws -> ModelBundle {
    try ModelBundle(
      path: write(in: folder.path), view: view, featureSetHash: columns.hash, columnNames: columns.names)
  }
}

extension MarketEvent {
  init(_ record: CandleRecord) { self = .candle(MadeVersion.view.price, record) }
}

/// The state of a pipeline as far as it decides.
struct PipelineState: Equatable {
  let vector: [UInt32]
  let windows: [WindowState?]
  let openTime: Timestamp?

  init(_ pipeline: borrowing PredictionPipeline, _ targets: [PredictionTarget]) {
    vector = pipeline.vector.map(\.bitPattern)
    windows = targets.map { pipeline.windowState(of: $0) }
    openTime = pipeline.newestOpenTime
  }
}
