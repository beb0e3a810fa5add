/// A feature, or several that share state, folded one candle at a time in constant time without allocating.
protocol Indicator: BitwiseCopyable, Sendable {
  /// What `update` appends to the row, in its order.
  static var columns: [FeatureColumn] { get }

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow)
}

extension Indicator {
  /// `rows` has a place for each step.
  mutating func update(_ steps: borrowing MutableSpan<CandleStep>, _ rows: inout MutableSpan<FeatureRow>) {
    for place in steps.indices { update(steps[place], into: &rows[place]) }
  }
}

/// A name and what the column is good for.
package struct FeatureColumn: Hashable, Sendable {
  package enum Role: String, Sendable {
    /// In units of price or volume, or redundant: for people, exports and other columns.
    case raw
    /// Free of price scale and stationary enough to be a model's input.
    case model
    /// A model input that also enters the sequences of the recurrent model.
    case sequence
  }

  package let name: String
  package let role: Role

  static func raw(_ name: String) -> FeatureColumn { FeatureColumn(name: name, role: .raw) }
  static func model(_ name: String) -> FeatureColumn { FeatureColumn(name: name, role: .model) }
  static func sequence(_ name: String) -> FeatureColumn { FeatureColumn(name: name, role: .sequence) }
}

/// The vector being written, one append a column.
struct FeatureRow: BitwiseCopyable, Sendable {
  private(set) var values = InlineArray<192, Double>(repeating: .nan)
  private(set) var count = 0

  mutating func start() { count = 0 }

  mutating func append(_ value: Double) {
    values[count] = value
    count += 1
  }
}
