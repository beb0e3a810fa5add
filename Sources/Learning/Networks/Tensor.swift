/// A named tensor's content outside libtorch, row-major.
package struct Tensor: Sendable, Equatable {
  package let shape: [Int]
  package var values: [Float]

  package init(shape: [Int], values: [Float]) {
    precondition(shape.reduce(1, *) == values.count, "\(values.count) values for shape \(shape)")
    self.shape = shape
    self.values = values
  }
}
