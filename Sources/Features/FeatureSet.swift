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
  /// Place of each column in the kernel's row.
  let places: [Int]
  /// Columns that are null at a minute whose volume is not known, whatever earlier minutes say; only where volumes are
  /// of another series than prices.
  let volumeColumns: [Int]

  init(name: String, version: Int, columns: [FeatureColumn]) {
    self.init(name: name, version: version, columns: columns, places: Array(columns.indices), volumeColumns: [])
  }

  private init(name: String, version: Int, columns: [FeatureColumn], places: [Int], volumeColumns: [Int]) {
    self.name = name
    self.version = version
    self.columns = columns
    self.places = places
    self.volumeColumns = volumeColumns
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

  /// What one-minute candles of one exchange give.
  package static let candles = FeatureSet(name: "candles", version: 1, columns: CandleIndicators.columns)

  /// What prices of one series give with the base volumes of another: the same kernel's columns but for those that need
  /// quote amounts, because these hold the other series' prices.
  ///
  /// A change of `CandleJoin`'s rules changes what the columns hold, and so raises the version.
  package static let oracle = {
    let places = candles.columns.indices.filter { candles.columns[$0].source != .quoteAmounts }
    let columns = places.map { candles.columns[$0] }
    return FeatureSet(
      name: "oracle", version: 1, columns: columns, places: places,
      volumeColumns: columns.indices.filter { columns[$0].source == .volumes })
  }()

  /// The set that a view's vectors have.
  package static func of(_ view: MarketView) -> FeatureSet { view.volume == nil ? .candles : .oracle }

  /// Picks the columns out of the kernel's row of a candle.
  package func values(_ row: Span<Double>, of candle: FeatureInput?) -> [Double] {
    var values = places.map { row[$0] }
    if candle?.volume.isNaN == true { for column in volumeColumns { values[column] = .nan } }
    return values
  }

  /// The same, cast into the `count` places of `vector` from `start` on.
  func write(
    _ row: Span<Double>, of candle: FeatureInput?, into vector: inout MutableSpan<Float>, at start: Int
  ) {
    for (column, place) in places.enumerated() { vector[start + column] = Float(row[place]) }
    guard candle?.volume.isNaN == true else { return }
    for column in volumeColumns { vector[start + column] = .nan }
  }
}
