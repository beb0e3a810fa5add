import CTorch

/// What a network reads, one row a decision in time order. Nothing is copied on the processor: a sequence is a row
/// number, and the steps before it are the rows before it.
package struct NetworkExamples: Sendable {
  /// Scaled, without NaN.
  package let inputs: Matrix
  /// Scaled values joined to the latents of a sequence.
  package let extras: Matrix?
  /// `nil` when only predicting.
  package let goals: Goals?
  /// Where a prediction starts from if there are no goals to say it.
  package let offsets: [Float]?

  package init(inputs: Matrix, extras: Matrix? = nil, goals: Goals) {
    self.init(inputs: inputs, extras: extras, goals: goals, offsets: goals.offsets)
  }

  package init(inputs: Matrix, extras: Matrix? = nil, offsets: [Float]? = nil) {
    self.init(inputs: inputs, extras: extras, goals: nil, offsets: offsets)
  }

  private init(inputs: Matrix, extras: Matrix?, goals: Goals?, offsets: [Float]?) {
    for count in [extras?.rows, goals?.labels.count, offsets?.count] {
      precondition((count ?? inputs.rows) == inputs.rows, "\(count ?? 0) entries for \(inputs.rows) rows")
    }
    (self.inputs, self.extras, self.goals, self.offsets) = (inputs, extras, goals, offsets)
  }

  /// Lends the arrays to libtorch while `body` runs.
  func withTable<Result>(_ body: (OpaquePointer) throws -> Result) throws -> Result {
    let arrays = [inputs.values, extras?.values, goals?.labels, goals?.weights, offsets]
    return try withPointers(arrays[...]) { pointers in
      var columns = ctorch_columns(
        rows: Int64(inputs.rows), inputs: Int64(inputs.columns), extras: Int64(extras?.columns ?? 0),
        input: pointers[0], extra: pointers[1], label: pointers[2], weight: pointers[3], offset: pointers[4])
      var table: OpaquePointer?
      try checkTorch("read the examples", ctorch_table_create(&columns, &table))
      defer { ctorch_table_destroy(table) }
      guard let table else { throw NetworkError.library(call: "read the examples", message: "no table") }
      return try body(table)
    }
  }

  private func withPointers<Result>(
    _ arrays: ArraySlice<[Float]?>, after found: [UnsafePointer<Float>?] = [],
    _ body: ([UnsafePointer<Float>?]) throws -> Result
  ) throws -> Result {
    guard let first = arrays.first else { return try body(found) }
    guard let first else { return try withPointers(arrays.dropFirst(), after: found + [nil], body) }
    return try first.withUnsafeBufferPointer {
      try withPointers(arrays.dropFirst(), after: found + [$0.baseAddress], body)
    }
  }
}

/// The one place where a status of the library becomes an error.
func checkTorch(_ purpose: String, _ status: Int32) throws {
  guard status != 0 else { return }
  throw NetworkError.library(call: purpose, message: ctorch_last_error().map { String(cString: $0) } ?? "")
}
