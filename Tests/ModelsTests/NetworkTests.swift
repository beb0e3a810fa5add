import FoundationEssentials
import Glibc
import Market
import Testing

@testable import Models

struct NetworkTests {
  @Test func `the sequence kernel's probabilities are torch's within 1e-6`() throws {
    var kernel = try SequenceKernel(tensors: try Golden.tensors())
    let margins = try Golden.floats("lstm.margins.f32")
    let latents = try Golden.floats("lstm.latents.f32")
    var series = SplitMix64(seed: 16)
    var extras = SplitMix64(seed: 17)
    var worst = 0.0
    for step in 0..<(SequenceKernel.stepCount - 1 + Golden.rowCount) {
      kernel.push((0..<kernel.inputCount).map { _ in Golden.uniform(&series) })
      guard let found = kernel.run() else { continue }
      let row = step - SequenceKernel.stepCount + 1
      let margin = kernel.margin(found, extras: (0..<3).map { _ in Golden.uniform(&extras) })
      worst = max(worst, abs(sigmoid(margin) - sigmoid(margins[row])))
      if row < 100 {
        for index in 0..<Latents.count { #expect(abs(found[index] - latents[row * Latents.count + index]) < 2e-6) }
      }
    }
    #expect(worst < 1e-6)
    print("sequence kernel: largest difference of probability \(worst) over \(Golden.rowCount) rows")
  }

  @Test func `the perceptron's probabilities are torch's with batch norm, within 1e-6`() throws {
    let kernel = try PerceptronKernel(tensors: try Golden.tensors())
    let margins = try Golden.floats("mlp.margins.f32")
    var generator = SplitMix64(seed: 30)
    var worst = 0.0
    for row in 0..<Golden.rowCount {
      let margin = kernel.margin((0..<kernel.inputCount).map { _ in Golden.uniform(&generator) })
      worst = max(worst, abs(sigmoid(margin) - sigmoid(margins[row])))
    }
    #expect(worst < 1e-6)
    print("perceptron: largest difference of probability \(worst) over \(Golden.rowCount) rows")
  }

  @Test func `a sequence is ready after sixty steps and not before, also after a restart`() throws {
    var kernel = try SequenceKernel(tensors: try Golden.tensors())
    let step = [Float](repeating: 0.5, count: kernel.inputCount)
    for _ in 0..<59 { kernel.push(step) }
    #expect(kernel.run() == nil)
    kernel.push(step)
    #expect(kernel.run() != nil)
    kernel.restart()
    #expect(kernel.run() == nil)
  }

  @Test func `what was before the last sixty steps does not matter`() throws {
    var long = try SequenceKernel(tensors: try Golden.tensors())
    var short = long
    var generator = SplitMix64(seed: 3)
    for step in 0..<97 {
      let values = (0..<long.inputCount).map { _ in Golden.uniform(&generator) }
      long.push(values)
      if step >= 37 { short.push(values) }
    }
    #expect(long.run() == short.run())
  }

  @Test func `sigmoid and tanh are exact to a few units in the last place, also far out`() {
    var worst = (sigmoid: 0.0, tanh: 0.0)
    for index in stride(from: -2000, to: 2000, by: 1) {
      let x = Float(index) / 16
      worst.sigmoid = max(worst.sigmoid, abs(Double(sigmoid(Lanes(repeating: x))[3]) - sigmoid(x)))
      worst.tanh = max(worst.tanh, abs(Double(hyperbolicTangent(Lanes(repeating: x))[3]) - tanh(Double(x))))
    }
    #expect(worst.sigmoid < 1.2e-7)
    #expect(worst.tanh < 2e-7)
  }

  @Test func `weights of a wrong shape are refused by name`() throws {
    var tensors = try Golden.tensors()
    tensors["lstm.weight_hh"] = Tensors.Tensor(shape: [32, 128], values: [Float](repeating: 0, count: 4096))
    #expect(
      throws: TensorError.wrongShape(name: "lstm.weight_hh", expected: "[128, 32]", actual: [32, 128])
    ) { try SequenceKernel(tensors: tensors) }
    tensors["mlp.2.bias"] = nil
    #expect(throws: TensorError.missing(name: "mlp.2.bias")) { try PerceptronKernel(tensors: tensors) }
  }
}
