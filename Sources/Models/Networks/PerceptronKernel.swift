/// A perceptron d-64-32-16-1 with ReLU between its layers; batch norm is folded into the weights. Allocates nothing after
/// `init`.
package struct PerceptronKernel: Sendable {
  package let inputCount: Int
  private let first: Layer
  private let second: Layer
  private let third: Layer
  private let output: [Lanes]
  private let outputBias: Float

  /// Reads `mlp.0` to `mlp.3`, each a `weight` [out, in] and a `bias` [out].
  package init(tensors: Tensors) throws(TensorError) {
    first = try Layer(tensors, "mlp.0", inputs: nil, outputs: 64)
    second = try Layer(tensors, "mlp.1", inputs: 64, outputs: 32)
    third = try Layer(tensors, "mlp.2", inputs: 32, outputs: 16)
    output = try tensors.matrix("mlp.3.weight", rows: 1, columns: 16).values.lanes
    outputBias = try tensors.vector("mlp.3.bias", count: 1)[0]
    inputCount = first.inputCount
  }

  package func margin(_ scaled: UnsafeBufferPointer<Float>, offset: Float = 0) -> Float {
    precondition(scaled.count == inputCount, "\(scaled.count) values for \(inputCount) inputs")
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: 64 + 32 + 16) { scratch in
      let hidden64 = UnsafeMutableBufferPointer(rebasing: scratch[..<64])
      let hidden32 = UnsafeMutableBufferPointer(rebasing: scratch[64..<96])
      let hidden16 = UnsafeMutableBufferPointer(rebasing: scratch[96...])
      first.apply(scaled, to: hidden64)
      second.apply(UnsafeBufferPointer(hidden64), to: hidden32)
      third.apply(UnsafeBufferPointer(hidden32), to: hidden16)
      let last = UnsafeRawBufferPointer(hidden16)
      let low = last.loadUnaligned(fromByteOffset: 0, as: Lanes.self)
      let high = last.loadUnaligned(fromByteOffset: 32, as: Lanes.self)
      return (low * output[0] + high * output[1]).sum() + outputBias + offset
    }
  }

  package func margin(_ scaled: [Float], offset: Float = 0) -> Float {
    scaled.withUnsafeBufferPointer { margin($0, offset: offset) }
  }
}

/// A linear map with ReLU after it.
private struct Layer: Sendable {
  let inputCount: Int
  private let weights: [Lanes]
  private let bias: [Lanes]

  init(_ tensors: Tensors, _ name: String, inputs: Int?, outputs: Int) throws(TensorError) {
    let matrix = try tensors.matrix(name + ".weight", rows: outputs, columns: inputs)
    inputCount = matrix.columns
    weights = matrix.columnLanes
    bias = try tensors.vector(name + ".bias", count: outputs).lanes
  }

  /// Sixteen outputs at a time; even and odd inputs are summed apart, which halves the chain of dependent additions.
  func apply(_ input: UnsafeBufferPointer<Float>, to output: UnsafeMutableBufferPointer<Float>) {
    let raw = UnsafeMutableRawBufferPointer(output)
    weights.withUnsafeBufferPointer { weights in
      for group in stride(from: 0, to: bias.count, by: 2) {
        var (a, b) = (bias[group], bias[group + 1])
        var (c, d) = (Lanes.zero, Lanes.zero)
        var column = group
        for index in stride(from: 0, to: input.count - 1, by: 2) {
          let (even, odd) = (Lanes(repeating: input[index]), Lanes(repeating: input[index + 1]))
          a = a.addingProduct(weights[column], even)
          b = b.addingProduct(weights[column + 1], even)
          column += bias.count
          c = c.addingProduct(weights[column], odd)
          d = d.addingProduct(weights[column + 1], odd)
          column += bias.count
        }
        if !input.count.isMultiple(of: 2) {
          let last = Lanes(repeating: input[input.count - 1])
          a = a.addingProduct(weights[column], last)
          b = b.addingProduct(weights[column + 1], last)
        }
        raw.storeBytes(of: (a + c).rectified, toByteOffset: group * 32, as: Lanes.self)
        raw.storeBytes(of: (b + d).rectified, toByteOffset: group * 32 + 32, as: Lanes.self)
      }
    }
  }
}

extension Lanes {
  @inline(__always)
  fileprivate var rectified: Lanes { replacing(with: 0, where: self .< 0) }
}
