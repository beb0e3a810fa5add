package import Market

/// Which values of a feature vector a version's models read, and in which order.
///
/// The model input is the model columns followed by the window extras; the trees of model C read 32 latents after it. The
/// sequence columns are fed to the LSTM candle by candle. Indices count columns of the feature vector.
package struct InputLayout: Sendable, Hashable, Codable {
  package let featureSetHash: String
  /// All columns of the feature set, in its order.
  package let columnNames: [String]
  package let modelColumns: [Int]
  /// Each of them is a model column too, so that the scaler knows it.
  package let sequenceColumns: [Int]
  package let windowExtras: [WindowExtra]
  /// The standard deviation of one-minute log returns that the closed form reads; for window targets only.
  package let volatilityColumn: Int?

  package init(
    featureSetHash: String, columnNames: [String], modelColumns: [Int], sequenceColumns: [Int],
    windowExtras: [WindowExtra] = [], volatilityColumn: Int? = nil
  ) throws(InputLayoutError) {
    self.featureSetHash = featureSetHash
    self.columnNames = columnNames
    self.modelColumns = modelColumns
    self.sequenceColumns = sequenceColumns
    self.windowExtras = windowExtras
    self.volatilityColumn = volatilityColumn
    try validate()
  }

  /// Columns by name, for a target: a window target reads all extras and needs the volatility column.
  package init(
    featureSetHash: String, columnNames: [String], modelColumns: [String], sequenceColumns: [String],
    target: PredictionTarget, volatilityColumn: String? = nil
  ) throws(InputLayoutError) {
    let indices = Dictionary(columnNames.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    func index(_ name: String) throws(InputLayoutError) -> Int {
      guard let index = indices[name] else { throw .unknownColumn(name) }
      return index
    }
    func all(_ names: [String]) throws(InputLayoutError) -> [Int] {
      var result: [Int] = []
      for name in names { result.append(try index(name)) }
      return result
    }
    var volatility: Int?
    if let volatilityColumn { volatility = try index(volatilityColumn) }
    try self.init(
      featureSetHash: featureSetHash, columnNames: columnNames, modelColumns: try all(modelColumns),
      sequenceColumns: try all(sequenceColumns), windowExtras: target.isWindow ? WindowExtra.allCases : [],
      volatilityColumn: target.isWindow ? volatility : nil)
  }

  package var inputCount: Int { modelColumns.count + windowExtras.count }

  /// Names of the model input, then of the latents that model C reads.
  package var inputNames: [String] {
    modelColumns.map { columnNames[$0] } + windowExtras.map(\.rawValue) + (0..<Latents.count).map { "latent_\($0)" }
  }

  /// For each sequence column its place in the model input, where its scaling stands.
  package var sequencePositions: [Int] {
    let places = Dictionary(modelColumns.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    return sequenceColumns.compactMap { places[$0] }
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      featureSetHash: try container.decode(String.self, forKey: .featureSetHash),
      columnNames: try container.decode([String].self, forKey: .columnNames),
      modelColumns: try container.decode([Int].self, forKey: .modelColumns),
      sequenceColumns: try container.decode([Int].self, forKey: .sequenceColumns),
      windowExtras: try container.decode([WindowExtra].self, forKey: .windowExtras),
      volatilityColumn: try container.decodeIfPresent(Int.self, forKey: .volatilityColumn))
  }

  private func validate() throws(InputLayoutError) {
    guard Set(columnNames).count == columnNames.count else { throw .repeatedColumn }
    guard Set(modelColumns).count == modelColumns.count, Set(sequenceColumns).count == sequenceColumns.count,
      Set(windowExtras).count == windowExtras.count
    else { throw .repeatedColumn }
    for index in modelColumns + sequenceColumns + [volatilityColumn].compactMap({ $0 })
    where !columnNames.indices.contains(index) {
      throw .outOfRange(index: index, columns: columnNames.count)
    }
    if let stray = sequenceColumns.first(where: { !modelColumns.contains($0) }) {
      throw .unscaledSequenceColumn(columnNames[stray])
    }
    if !windowExtras.isEmpty, volatilityColumn == nil { throw .noVolatilityColumn }
  }
}

package enum InputLayoutError: Error, Equatable, CustomStringConvertible {
  case unknownColumn(String)
  case repeatedColumn
  case outOfRange(index: Int, columns: Int)
  case unscaledSequenceColumn(String)
  case noVolatilityColumn

  package var description: String {
    switch self {
    case .unknownColumn(let name): "the feature set has no column “\(name)”"
    case .repeatedColumn: "a column stands twice in the input layout"
    case .outOfRange(let index, let columns): "column \(index) of a feature set of \(columns)"
    case .unscaledSequenceColumn(let name): "the sequence column “\(name)” is not a model column, so nothing scales it"
    case .noVolatilityColumn: "a window target needs a volatility column for its closed form"
    }
  }
}

/// What a window's state adds to the model input, in this order.
package enum WindowExtra: String, Sendable, CaseIterable, Codable {
  case minutesLeft = "window_minutes_left"
  /// 10⁴ · ln(close / strike).
  case moveBasisPoints = "window_move_bp"
  /// The closed form's z.
  case z = "window_z"
}

/// Where a window stands at a decision.
package struct WindowState: Sendable, Hashable {
  package let minutesLeft: Int
  /// 10⁴ · ln(close / strike).
  package let moveBasisPoints: Double

  package init(minutesLeft: Int, moveBasisPoints: Double) {
    (self.minutesLeft, self.moveBasisPoints) = (minutesLeft, moveBasisPoints)
  }
}
