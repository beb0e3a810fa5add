/// A perceptron d-64-32-16-1 with ReLU between its layers; batch norm is folded into the weights. Allocates nothing after
/// `init`.
package struct PerceptronKernel: Sendable {
  package let inputCount: Int
  private let first: [Lanes]
  private let second: [Lanes]
  private let third: [Lanes]
  private let output: Lanes
  private let firstBias: [Lanes]
  private let secondBias: [Lanes]
  private let thirdBias: Lanes
  private let outputBias: Float

  /// Reads `mlp.0` to `mlp.3`, each a `weight` [out, in] and a `bias` [out].
  package init(tensors: Tensors) throws(TensorError) {
    let first = try tensors.matrix("mlp.0.weight", rows: 64)
    inputCount = first.columns
    self.first = first.columnLanes
    second = try tensors.matrix("mlp.1.weight", rows: 32, columns: 64).columnLanes
    third = try tensors.matrix("mlp.2.weight", rows: 16, columns: 32).columnLanes
    output = try tensors.matrix("mlp.3.weight", rows: 1, columns: 16).values.lanes[0]
    firstBias = try tensors.vector("mlp.0.bias", count: 64).lanes
    secondBias = try tensors.vector("mlp.1.bias", count: 32).lanes
    thirdBias = try tensors.vector("mlp.2.bias", count: 16).lanes[0]
    outputBias = try tensors.vector("mlp.3.bias", count: 1)[0]
  }

  package func margin(_ scaled: UnsafeBufferPointer<Float>, offset: Float = 0) -> Float {
    precondition(scaled.count == inputCount, "\(scaled.count) values for \(inputCount) inputs")
    let hidden64 = layer64(scaled)
    let hidden32 = withUnsafeBytes(of: hidden64) { layer32($0.assumingMemoryBound(to: Float.self)) }
    let hidden16 = withUnsafeBytes(of: hidden32) { layer16($0.assumingMemoryBound(to: Float.self)) }
    return (hidden16 * output).sum() + outputBias + offset
  }

  package func margin(_ scaled: [Float], offset: Float = 0) -> Float {
    scaled.withUnsafeBufferPointer { margin($0, offset: offset) }
  }

  private func layer64(_ input: UnsafeBufferPointer<Float>) -> (Lanes, Lanes, Lanes, Lanes) {
    var (a, b, c, d) = (firstBias[0], firstBias[1], firstBias[2], firstBias[3])
    first.withUnsafeBufferPointer { weights in
      var base = 0
      for value in input {
        let x = Lanes(repeating: value)
        a = a.addingProduct(weights[base], x)
        b = b.addingProduct(weights[base + 1], x)
        c = c.addingProduct(weights[base + 2], x)
        d = d.addingProduct(weights[base + 3], x)
        base += 4
      }
    }
    return (a.rectified, b.rectified, c.rectified, d.rectified)
  }

  /// Even and odd inputs are summed apart, which halves the chain of dependent additions.
  private func layer32(_ input: UnsafeBufferPointer<Float>) -> (Lanes, Lanes) {
    var (a, b) = (secondBias[0], secondBias[1])
    var (c, d) = (Lanes.zero, Lanes.zero)
    second.withUnsafeBufferPointer { weights in
      for index in stride(from: 0, to: input.count, by: 2) {
        let (even, odd) = (Lanes(repeating: input[index]), Lanes(repeating: input[index + 1]))
        a = a.addingProduct(weights[2 * index], even)
        b = b.addingProduct(weights[2 * index + 1], even)
        c = c.addingProduct(weights[2 * index + 2], odd)
        d = d.addingProduct(weights[2 * index + 3], odd)
      }
    }
    return ((a + c).rectified, (b + d).rectified)
  }

  private func layer16(_ input: UnsafeBufferPointer<Float>) -> Lanes {
    var (a, b) = (thirdBias, Lanes.zero)
    third.withUnsafeBufferPointer { weights in
      for index in stride(from: 0, to: input.count, by: 2) {
        a = a.addingProduct(weights[index], Lanes(repeating: input[index]))
        b = b.addingProduct(weights[index + 1], Lanes(repeating: input[index + 1]))
      }
    }
    return (a + b).rectified
  }
}

extension Lanes {
  @inline(__always)
  fileprivate var rectified: Lanes { replacing(with: 0, where: self .< 0) }
}
