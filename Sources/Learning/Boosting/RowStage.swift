/// Joins picked rows of several matrices into one dense block at a fixed address, a batch at a time.
final class RowStage {
  static let capacity = 65_536

  private let blocks: [Matrix]
  private let columns: Int
  private let values: UnsafeMutablePointer<Float>

  init(_ blocks: [Matrix]) {
    self.blocks = blocks
    columns = blocks.reduce(0) { $0 + $1.columns }
    values = .allocate(capacity: Self.capacity * columns)
  }

  deinit { values.deallocate() }

  /// The array interface of the rows, good until the next call.
  func gather(_ rows: ArraySlice<Int>) -> String {
    var first = 0
    for block in blocks {
      let width = block.columns
      block.values.withUnsafeBufferPointer { source in
        guard let base = source.baseAddress else { return }
        var target = values + first
        for row in rows {
          target.update(from: base + row * width, count: width)
          target += columns
        }
      }
      first += width
    }
    return arrayInterface(of: values, shape: "[\(rows.count), \(columns)]")
  }
}

/// NumPy's array interface in the JSON form the library reads.
func arrayInterface(of values: UnsafePointer<Float>, shape: String) -> String {
  #"{"data": [\#(UInt(bitPattern: values)), true], "shape": \#(shape), "typestr": "<f4", "version": 3}"#
}
