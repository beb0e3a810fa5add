internal import Evaluation
internal import Models

/// The networks' inputs, by row: everything scaled, and its parts for sequences and their heads.
struct ScaledInputs {
  let inputs: Matrix
  let steps: Matrix
  /// The window extras; `nil` for other targets.
  let extras: Matrix?

  init(_ raw: Matrix, layout: InputLayout, by standardisation: Standardisation) {
    let width = raw.columns
    var scaled: [Float] = []
    scaled.reserveCapacity(raw.values.count)
    for row in 0..<raw.rows {
      for column in 0..<width {
        scaled.append(standardisation.value(raw.values[row * width + column], column: column))
      }
    }
    inputs = Matrix(columns: width, values: scaled)
    steps = inputs.selecting(layout.sequencePositions)
    extras = layout.windowExtras.isEmpty ? nil : inputs.selecting(Array(layout.modelColumns.count..<width))
  }
}

extension Matrix {
  fileprivate func selecting(_ wanted: [Int]) -> Matrix {
    var picked: [Float] = []
    picked.reserveCapacity(rows * wanted.count)
    for row in 0..<rows {
      for column in wanted { picked.append(values[row * columns + column]) }
    }
    return Matrix(columns: wanted.count, values: picked)
  }
}
