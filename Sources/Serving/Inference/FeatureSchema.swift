package import Features
internal import Market
internal import Operations

/// What a feature vector must be: as many values as the set has columns, in its order.
package struct FeatureSchema: Sendable {
  package let name: String
  /// Of name, version and columns; every stored prediction has it as `feature_set`.
  package let hash: String
  package let names: [String]

  package init(_ set: FeatureSet) { (name, hash, names) = (set.name, set.hash.description, set.names) }

  /// For whoever sent something else.
  var expectation: JSONValue {
    ["feature_set": .text(hash), "count": JSONValue(names.count), "names": .array(names.map { .text($0) })]
  }

  /// Checks the values themselves before what is said of them.
  func check(_ features: [Float], names given: [String]?, hash givenHash: String?) throws(APIFailure) {
    if let givenHash, givenHash != hash {
      throw wrong("the vector is of the feature set “\(givenHash.shortened)”; \(hash) (\(name)) is served")
    }
    if let given, given != names {
      guard given.count == names.count else { throw wrong("\(given.count) names; expected \(names.count)") }
      let place = zip(given, names).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? 0
      throw wrong("name \(place + 1) is “\(given[place].shortened)”; expected “\(names[place])”")
    }
    guard features.count == names.count else {
      throw wrong("\(features.count) features; expected \(names.count), those of the feature set \(hash) (\(name))")
    }
    if let place = features.firstIndex(where: { $0.isInfinite }) {
      throw wrong(
        "feature \(place + 1) (\(names[place])) is not finite as a 32-bit number; null is for what is missing")
    }
  }

  func wrong(_ message: String) -> APIFailure {
    APIFailure(422, "wrong_features", message, expected: expectation)
  }
}
