internal import Models

/// Runs the serving kernel of model B over a training table, so that model C learns from the very latents it will be
/// served with.
struct LatentScan {
  private let kernel: SequenceKernel
  private let scaled: ScaledInputs
  private let unbrokenMinutes: [Int32]
  private let offsets: [Float]?

  init(_ tensors: [String: Tensor], layout: InputLayout, _ scaled: ScaledInputs, _ examples: Examples) throws {
    kernel = try SequenceKernel(tensors: Tensors(tensors))
    self.scaled = scaled
    unbrokenMinutes = examples.unbrokenMinutes
    offsets = examples.offsets
  }

  /// By row: the latents of the rows asked for, NaN elsewhere.
  func latents(of rows: [Int]) -> Matrix {
    var values = [Float](repeating: .nan, count: unbrokenMinutes.count * Latents.count)
    scan(rows) { row, latents, _ in
      for index in 0..<Latents.count { values[row * Latents.count + index] = latents[index] }
    }
    return Matrix(columns: Latents.count, values: values)
  }

  /// By row: latents and the head's margin.
  func latentsAndMargins(of rows: [Int]) -> (latents: Matrix, margins: [Float]) {
    var values = [Float](repeating: .nan, count: unbrokenMinutes.count * Latents.count)
    var margins = [Float](repeating: .nan, count: unbrokenMinutes.count)
    scan(rows) { row, latents, margin in
      for index in 0..<Latents.count { values[row * Latents.count + index] = latents[index] }
      margins[row] = margin
    }
    return (Matrix(columns: Latents.count, values: values), margins)
  }

  private func scan(_ rows: [Int], _ body: (Int, Latents, Float) -> Void) {
    guard let first = rows.first, let last = rows.last else { return }
    var kernel = kernel
    var next = 0
    let width = scaled.steps.columns
    let extraWidth = scaled.extras?.columns ?? 0
    scaled.steps.values.withUnsafeBufferPointer { steps in
      for row in max(0, first - SequenceKernel.stepCount + 1)...last {
        if unbrokenMinutes[row] == 1 { kernel.restart() }
        kernel.push(UnsafeBufferPointer(rebasing: steps[row * width..<(row + 1) * width]))
        guard row == rows[next] else { continue }
        next += 1
        guard let latents = kernel.run() else { continue }
        let extras = scaled.extras.map { Array($0.values[row * extraWidth..<(row + 1) * extraWidth]) } ?? []
        body(row, latents, kernel.margin(latents, extras: extras, offset: offsets?[row] ?? 0))
      }
    }
  }
}
