package import Market

/// The ordered columns of a vector, with an identity that everything made from such vectors carries.
package struct FeatureSet: Hashable, Sendable {
  package let name: String
  /// Raised when the meaning of a column changes under the same name.
  package let version: Int
  package let columns: [FeatureColumn]
  /// Of name, version and column names in order.
  package let hash: Fingerprint
  /// Indices of the columns that models take, in order.
  package let modelColumns: [Int]
  /// Indices of the columns that enter the sequences of the recurrent model, in order; a part of `modelColumns`.
  package let sequenceColumns: [Int]

  init(name: String, version: Int, columns: [FeatureColumn]) {
    self.name = name
    self.version = version
    self.columns = columns
    modelColumns = columns.indices.filter { columns[$0].role != .raw }
    sequenceColumns = columns.indices.filter { columns[$0].role == .sequence }
    var hash = Fingerprint()
    hash.combine(name)
    hash.combine(UInt64(version))
    for column in columns { hash.combine(column.name) }
    self.hash = hash
  }

  package var count: Int { columns.count }

  package var names: [String] { columns.map(\.name) }

  /// Linear; look positions up once.
  package func index(of name: String) -> Int? { columns.firstIndex { $0.name == name } }

  /// What one-minute candles give.
  package static let candles = FeatureSet(name: "candles", version: 1, columns: CandleIndicators.columns)
}
