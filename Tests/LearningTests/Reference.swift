import Glibc
import Learning
import Market

/// Slow and plain forms of what libtorch computes, in Double.
func logLoss(margin: Double, label: Float) -> Double {
  log1p(exp(-abs(margin))) + max(margin, 0) - margin * Double(label)
}

func lstmMargin(
  _ weights: [String: Tensor], steps: ArraySlice<Float>, inputs: Int, extras: [Float]
) -> (margin: Double, latents: [Double]) {
  let hidden = 32
  var (state, cell) = ([Double](repeating: 0, count: hidden), [Double](repeating: 0, count: hidden))
  let values = Array(steps)
  for step in 0..<values.count / inputs {
    let gates = zip(
      product(weights["lstm.weight_ih"]!, values[step * inputs..<(step + 1) * inputs].map(Double.init)),
      product(weights["lstm.weight_hh"]!, state)
    ).enumerated().map { $1.0 + $1.1 + Double(weights["lstm.bias"]!.values[$0]) }
    for unit in 0..<hidden {
      let (input, forget) = (sigmoid(gates[unit]), sigmoid(gates[hidden + unit]))
      let (candidate, output) = (tanh(gates[2 * hidden + unit]), sigmoid(gates[3 * hidden + unit]))
      cell[unit] = forget * cell[unit] + input * candidate
      state[unit] = output * tanh(cell[unit])
    }
  }
  let head = product(weights["lstm.head.weight"]!, state + extras.map(Double.init))[0]
  return (head + Double(weights["lstm.head.bias"]!.values[0]), state)
}

func perceptronMargin(_ weights: [String: Tensor], inputs: ArraySlice<Float>) -> Double {
  var values = inputs.map(Double.init)
  for layer in 0..<4 {
    values = zip(product(weights["mlp.\(layer).weight"]!, values), weights["mlp.\(layer).bias"]!.values)
      .map { $0 + Double($1) }
    if layer < 3 { values = values.map { max($0, 0) } }
  }
  return values[0]
}

private func product(_ matrix: Tensor, _ vector: [Double]) -> [Double] {
  (0..<matrix.shape[0]).map { row in
    vector.indices.reduce(0) { $0 + Double(matrix.values[row * vector.count + $1]) * vector[$1] }
  }
}

private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
