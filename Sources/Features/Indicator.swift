/// A feature, or several that share state, folded one candle at a time in constant time without allocating.
protocol Indicator: BitwiseCopyable, Sendable {
  /// What `update` appends to the row, in its order.
  static var columns: [FeatureColumn] { get }

  /// What of a candle the columns are made of, beside its prices and time.
  static var source: FeatureColumn.Source { get }

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow)
}

extension Indicator {
  static var source: FeatureColumn.Source { .prices }

  /// `columns`, each with its source.
  static var sourced: [FeatureColumn] { columns.map { FeatureColumn(name: $0.name, role: $0.role, source: source) } }

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

  /// The most that a column needs of a candle.
  package enum Source: Sendable {
    /// Prices and the time alone.
    case prices
    /// Volume, trade count or taker volume too, all in the base asset.
    case volumes
    /// Amounts in the quote asset too, which hold the prices of the trades that made them.
    case quoteAmounts
  }

  package let name: String
  package let role: Role
  package private(set) var source = Source.prices

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
