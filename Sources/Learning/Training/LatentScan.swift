internal import Dispatch
internal import Models

/// Runs the serving kernel of model B over a training table, so that model C learns from the very latents it will be
/// served with. Rows are cut into one stretch a thread; the result does not depend on their number.
struct LatentScan {
  /// By row of the table: NaN where no answer was asked for.
  struct Answers {
    let latents: Matrix
    let margins: [Float]
  }

  private let kernel: SequenceKernel
  private let scaled: ScaledInputs
  private let unbrokenMinutes: [Int32]
  private let offsets: [Float]?
  private let threads: Int

  init(
    _ tensors: [String: Tensor], layout: InputLayout, _ scaled: ScaledInputs, _ examples: Examples, threads: Int
  ) throws {
    kernel = try SequenceKernel(tensors: Tensors(tensors))
    self.scaled = scaled
    unbrokenMinutes = examples.unbrokenMinutes
    offsets = examples.offsets
    self.threads = threads
  }

  func answers(of rows: [Int]) -> Answers {
    var latents = [Float](repeating: .nan, count: unbrokenMinutes.count * Latents.count)
    var margins = [Float](repeating: .nan, count: unbrokenMinutes.count)
    latents.withUnsafeMutableBufferPointer { latents in
      margins.withUnsafeMutableBufferPointer { margins in
        // Every stretch writes to the places of its own rows alone.
        nonisolated(unsafe) let (latents, margins) = (latents, margins)
        DispatchQueue.concurrentPerform(iterations: threads) { part in
          let stretch = rows[rows.count * part / threads..<rows.count * (part + 1) / threads]
          scan(stretch) { row, values, margin in
            for index in 0..<Latents.count { latents[row * Latents.count + index] = values[index] }
            margins[row] = margin
          }
        }
      }
    }
    return Answers(latents: Matrix(columns: Latents.count, values: latents), margins: margins)
  }

  private func scan(_ rows: ArraySlice<Int>, _ body: (Int, Latents, Float) -> Void) {
    guard let first = rows.first, let last = rows.last else { return }
    var kernel = kernel
    var next = rows.startIndex
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
