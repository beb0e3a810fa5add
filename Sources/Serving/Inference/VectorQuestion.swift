package import Market
package import Models

/// One feature vector, and what is to be said of it.
package struct VectorQuestion: Sendable {
  /// Raw, in the order of the feature set; NaN where a value is missing.
  package var features: [Float]
  package var names: [String]?
  package var featureSetHash: String?
  /// `nil` for the one that is predicted by default.
  package var target: PredictionTarget?
  /// `nil` for the best that one vector is enough for.
  package var model: ModelName?
  package var window: WindowState?

  package init(
    features: [Float], names: [String]? = nil, featureSetHash: String? = nil, target: PredictionTarget? = nil,
    model: ModelName? = nil, window: WindowState? = nil
  ) {
    (self.features, self.names, self.featureSetHash) = (features, names, featureSetHash)
    (self.target, self.model, self.window) = (target, model, window)
  }
}

extension VectorQuestion {
  /// Vectors are of some dozens of columns; more are counted, not kept.
  private static let mostValues = 4096
  private static let usualValues = 256

  /// Reads the body of `POST /predict`.
  init(body: [UInt8]) throws(APIFailure) {
    let result = body.withUnsafeBytes { bytes -> Result<VectorQuestion, APIFailure> in
      var (scanner, question) = (JSONScanner(bytes), VectorQuestion(features: []))
      question.features.reserveCapacity(Self.usualValues)
      do throws(APIFailure) {
        try question.read(&scanner)
        return .success(question)
      } catch {
        return .failure(error)
      }
    }
    self = try result.get()
  }

  private mutating func read(_ scanner: inout JSONScanner) throws(APIFailure) {
    var hasFeatures = false
    try scanner.object { scanner, name throws(APIFailure) in
      switch name {
      case "features":
        hasFeatures = true
        try readFeatures(&scanner)
      case "names": names = try Self.texts(&scanner)
      case "feature_set", "schema_hash": featureSetHash = try scanner.text()
      case "target": target = try Self.target(&scanner)
      case "model": model = try Self.model(&scanner)
      case "window": window = try Self.window(&scanner)
      default:
        throw APIFailure(
          422, "unknown_member",
          "“\(name.shortened)” is none of features, names, feature_set, target, model, window")
      }
    }
    try scanner.end()
    guard hasFeatures else {
      throw APIFailure(422, "no_features", #"write {"features":[…]}; GET /v1/features has one"#)
    }
  }

  private mutating func readFeatures(_ scanner: inout JSONScanner) throws(APIFailure) {
    try scanner.array { scanner throws(APIFailure) in
      let value = try scanner.isNull() ? Float.nan : Float(scanner.number())
      guard features.count < Self.mostValues else {
        throw APIFailure(422, "wrong_features", "more than \(Self.mostValues) features; GET /v1/features has the names")
      }
      features.append(value)
    }
  }

  private static func texts(_ scanner: inout JSONScanner) throws(APIFailure) -> [String] {
    var texts: [String] = []
    try scanner.array { scanner throws(APIFailure) in
      let text = try scanner.text()
      if texts.count <= mostValues { texts.append(text) }
    }
    return texts
  }

  private static func target(_ scanner: inout JSONScanner) throws(APIFailure) -> PredictionTarget {
    let text = try scanner.text()
    guard let target = PredictionTarget(text), !target.isOfTicks else { throw .unknownTarget(text) }
    return target
  }

  private static func model(_ scanner: inout JSONScanner) throws(APIFailure) -> ModelName {
    let text = try scanner.text()
    guard let model = ModelName(rawValue: text) else {
      let known = ModelName.allCases.map(\.rawValue).joined(separator: ", ")
      throw APIFailure(422, "unknown_model", "“\(text.shortened)” is none of \(known)")
    }
    return model
  }

  private static func window(_ scanner: inout JSONScanner) throws(APIFailure) -> WindowState {
    var (minutes, move): (Double?, Double?)
    try scanner.object { scanner, name throws(APIFailure) in
      switch name {
      case "minutes_left": minutes = try scanner.number()
      case "move_basis_points": move = try scanner.number()
      default:
        throw APIFailure(
          422, "unknown_member", "“\(name.shortened)” of the window is none of minutes_left, move_basis_points")
      }
    }
    guard let minutes, let move else {
      throw APIFailure(422, "wrong_window", "a window has both minutes_left and move_basis_points")
    }
    return try window(minutesLeft: minutes, moveBasisPoints: move)
  }

  /// How far a price may have moved: by a factor of e.
  private static let mostBasisPoints = 10_000.0

  static func window(minutesLeft: Double, moveBasisPoints: Double) throws(APIFailure) -> WindowState {
    guard let minutes = Int(exactly: minutesLeft), (1...60).contains(minutes) else {
      throw APIFailure(422, "wrong_window", "minutes_left is not a whole number from 1 to the window's length")
    }
    guard abs(moveBasisPoints) <= mostBasisPoints else {
      throw APIFailure(
        422, "wrong_window", "move_basis_points, 10⁴·ln(price / strike), is not from -10000 to 10000")
    }
    return WindowState(minutesLeft: minutes, moveBasisPoints: moveBasisPoints)
  }
}

extension APIFailure {
  static func unknownTarget(_ text: String) -> APIFailure {
    let known = PredictionTarget.all.map(\.description).joined(separator: ", ")
    return APIFailure(422, "unknown_target", "“\(text.shortened)” is none of \(known)")
  }
}
