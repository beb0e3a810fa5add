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
    try inputs.values.withUnsafeBufferPointer { input in
      try withPointer(extras?.values) { extra in
        try withPointer(goals?.labels) { label in
          try withPointer(goals?.weights) { weight in
            try withPointer(offsets) { offset in
              var columns = ctorch_columns(
                rows: Int64(inputs.rows), inputs: Int64(inputs.columns), extras: Int64(extras?.columns ?? 0),
                input: input.baseAddress, extra: extra, label: label, weight: weight, offset: offset)
              var table: OpaquePointer?
              try checkTorch("read the examples", ctorch_table_create(&columns, &table))
              defer { ctorch_table_destroy(table) }
              guard let table else { throw NetworkError.library(call: "read the examples", message: "no table") }
              return try body(table)
            }
          }
        }
      }
    }
  }

  private func withPointer<Result>(
    _ values: [Float]?, _ body: (UnsafePointer<Float>?) throws -> Result
  ) throws -> Result {
    guard let values else { return try body(nil) }
    return try values.withUnsafeBufferPointer { try body($0.baseAddress) }
  }
}

/// The one place where a status of the library becomes an error.
func checkTorch(_ purpose: String, _ status: Int32) throws {
  guard status != 0 else { return }
  throw NetworkError.library(call: purpose, message: ctorch_last_error().map { String(cString: $0) } ?? "")
}
