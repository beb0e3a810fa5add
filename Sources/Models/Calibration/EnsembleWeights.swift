/// How much each model counts in the ensemble: the weighted mean of calibrated logits, or of percent changes.
package struct EnsembleWeights: Sendable, Hashable, Codable {
  package let a: Double
  package let b: Double
  package let c: Double

  /// `nil` unless the weights are at least zero and sum to one.
  package init?(a: Double, b: Double, c: Double) {
    guard a >= 0, b >= 0, c >= 0, abs(a + b + c - 1) < 1e-9 else { return nil }
    (self.a, self.b, self.c) = (a, b, c)
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let weights = EnsembleWeights(
      a: try container.decode(Double.self, forKey: .a), b: try container.decode(Double.self, forKey: .b),
      c: try container.decode(Double.self, forKey: .c))
    guard let weights else {
      throw DecodingError.dataCorruptedError(
        forKey: .a, in: container, debugDescription: "weights must be at least 0 and sum to 1")
    }
    self = weights
  }

  /// `nil` if a value with a weight above zero is missing: a mean over fewer models would be another model.
  package func mean(a: Double?, b: Double?, c: Double?) -> Double? {
    var total = 0.0
    guard Self.add(a, weight: self.a, to: &total), Self.add(b, weight: self.b, to: &total),
      Self.add(c, weight: self.c, to: &total)
    else { return nil }
    return total
  }

  private static func add(_ value: Double?, weight: Double, to total: inout Double) -> Bool {
    guard weight > 0 else { return true }
    guard let value else { return false }
    total += weight * value
    return true
  }
}
