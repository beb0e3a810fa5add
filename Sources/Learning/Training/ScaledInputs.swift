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
    let (mean, scale) = (standardisation.mean, standardisation.scale)
    let scaled = [Float](unsafeUninitializedCapacity: raw.values.count) { scaled, count in
      raw.values.withUnsafeBufferPointer { raw in
        for start in stride(from: 0, to: raw.count, by: width) {
          for column in 0..<width {
            let value = (raw[start + column] - mean[column]) * scale[column]
            scaled[start + column] = value.isNaN ? 0 : min(max(value, -Scaler.limit), Scaler.limit)
          }
        }
      }
      count = raw.values.count
    }
    inputs = Matrix(columns: width, values: scaled)
    steps = inputs.selecting(layout.sequencePositions)
    extras = layout.windowExtras.isEmpty ? nil : inputs.selecting(Array(layout.modelColumns.count..<width))
  }
}

extension Matrix {
  fileprivate func selecting(_ wanted: [Int]) -> Matrix {
    let picked = [Float](unsafeUninitializedCapacity: rows * wanted.count) { picked, count in
      values.withUnsafeBufferPointer { values in
        for row in 0..<rows {
          for (index, column) in wanted.enumerated() {
            picked[row * wanted.count + index] = values[row * columns + column]
          }
        }
      }
      count = rows * wanted.count
    }
    return Matrix(columns: wanted.count, values: picked)
  }
}
