extension Network {
  /// The weights a prediction needs, by their names in a version's `weights.safetensors`; batch norm is folded into
  /// the linear layer before it.
  package func exported() throws -> [String: Tensor] {
    let state = try state()
    return parameters.kind == .sequence ? state : foldedBatchNorm(state)
  }
}

/// Linear layers `mlp.i` with their `mlp.i.norm` folded in: w·γ/√(σ² + ε) and (b − μ)·γ/√(σ² + ε) + β.
func foldedBatchNorm(_ state: [String: Tensor]) -> [String: Tensor] {
  var folded: [String: Tensor] = [:]
  for layer in 0... {
    guard var weight = state["mlp.\(layer).weight"], var bias = state["mlp.\(layer).bias"] else { break }
    if let norm = BatchNorm(state, layer: layer) { norm.fold(into: &weight, &bias) }
    folded["mlp.\(layer).weight"] = weight
    folded["mlp.\(layer).bias"] = bias
  }
  return folded
}

private struct BatchNorm {
  /// libtorch's default, added to the variance.
  static let epsilon = 1e-5

  let weight, bias, mean, variance: Tensor

  init?(_ state: [String: Tensor], layer: Int) {
    let name = "mlp.\(layer).norm."
    guard let weight = state[name + "weight"], let bias = state[name + "bias"],
      let mean = state[name + "mean"], let variance = state[name + "variance"]
    else { return nil }
    (self.weight, self.bias, self.mean, self.variance) = (weight, bias, mean, variance)
  }

  func fold(into linearWeight: inout Tensor, _ linearBias: inout Tensor) {
    let columns = linearWeight.shape[1]
    for row in linearBias.values.indices {
      let scale = Double(weight.values[row]) / (Double(variance.values[row]) + Self.epsilon).squareRoot()
      for index in row * columns..<(row + 1) * columns {
        linearWeight.values[index] = Float(Double(linearWeight.values[index]) * scale)
      }
      let centred = Double(linearBias.values[row]) - Double(mean.values[row])
      linearBias.values[row] = Float(centred * scale + Double(bias.values[row]))
    }
  }
}
