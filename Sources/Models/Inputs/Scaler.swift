/// Brings the model input to a common size for the neural networks: (raw − mean) · scale in `Float`, held within ±8; what is
/// missing becomes 0, the mean.
package struct Scaler: Sendable, Hashable {
  package static let limit: Float = 8

  package let mean: [Float]
  /// One over the standard deviation; 0 for a column that does not vary.
  package let scale: [Float]

  package init?(mean: [Float], scale: [Float]) {
    guard mean.count == scale.count, mean.allSatisfy(\.isFinite), scale.allSatisfy(\.isFinite) else { return nil }
    (self.mean, self.scale) = (mean, scale)
  }

  /// Reads `scaler.mean` and `scaler.scale`, of the model input's length.
  package init(tensors: Tensors, inputCount: Int) throws(TensorError) {
    mean = try tensors.vector("scaler.mean", count: inputCount)
    scale = try tensors.vector("scaler.scale", count: inputCount)
  }

  package var count: Int { mean.count }

  package func scaled(_ raw: Float, column: Int) -> Float {
    let value = (raw - mean[column]) * scale[column]
    if value.isNaN { return 0 }
    return min(max(value, -Self.limit), Self.limit)
  }

  package func scaled(_ row: [Float]) -> [Float] {
    row.indices.map { scaled(row[$0], column: $0) }
  }
}
