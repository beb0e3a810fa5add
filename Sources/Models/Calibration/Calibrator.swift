internal import Glibc

/// Turns a model's margin into a probability that means what it says.
///
/// Every answer lies in 1e-4…1 − 1e-4, so its logit is finite and one wrong sure answer cannot ruin a log-loss.
package enum Calibrator: Sendable, Hashable {
  case identity
  /// logit p = slope · margin + intercept.
  case platt(slope: Double, intercept: Double)
  /// logit p = a · ln q − b · ln(1 − q) + c with q = sigmoid(margin) (Kull, Silva Filho and Flach 2017).
  case beta(a: Double, b: Double, c: Double)
  /// Straight lines between (margin, probability) points, level beyond them.
  case isotonic(Points)

  /// At least one point; margins ascend, probabilities do not descend.
  package struct Points: Sendable, Hashable {
    package let margins: [Double]
    package let probabilities: [Double]

    package init?(margins: [Double], probabilities: [Double]) {
      guard margins.count == probabilities.count, !margins.isEmpty, margins.allSatisfy(\.isFinite),
        zip(margins, margins.dropFirst()).allSatisfy({ $0 < $1 }),
        zip(probabilities, probabilities.dropFirst()).allSatisfy({ $0 <= $1 }),
        probabilities.allSatisfy({ (0...1).contains($0) })
      else { return nil }
      (self.margins, self.probabilities) = (margins, probabilities)
    }

    func probability(_ margin: Double) -> Double {
      var low = 0
      var high = margins.count
      while low < high {
        let middle = (low + high) / 2
        if margins[middle] <= margin { low = middle + 1 } else { high = middle }
      }
      guard low > 0 else { return probabilities[0] }
      guard low < margins.count else { return probabilities[low - 1] }
      let share = (margin - margins[low - 1]) / (margins[low] - margins[low - 1])
      return probabilities[low - 1] + share * (probabilities[low] - probabilities[low - 1])
    }
  }

  package func probability(margin: Double) -> Double {
    switch self {
    case .identity: Probability(logit: margin).value
    case .platt(let slope, let intercept): Probability(logit: slope * margin + intercept).value
    case .beta(let a, let b, let c):
      Probability(logit: b * Self.logOnePlusExp(margin) - a * Self.logOnePlusExp(-margin) + c).value
    case .isotonic(let points): Probability(clipping: points.probability(margin)).value
    }
  }

  package var kind: String {
    switch self {
    case .identity: "identity"
    case .platt: "platt"
    case .beta: "beta"
    case .isotonic: "isotonic"
    }
  }

  /// ln(1 + eˣ) without overflow: −ln q for x = −margin, −ln(1 − q) for x = margin.
  private static func logOnePlusExp(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
}

/// A probability held within 1e-4…1 − 1e-4.
package struct Probability: Hashable, Sendable {
  package static let lowest = 1e-4
  package static let range = lowest...(1 - lowest)

  package let value: Double

  package init(clipping value: Double) { self.value = min(max(value, Self.lowest), 1 - Self.lowest) }

  package init(logit: Double) { self.init(clipping: 1 / (1 + exp(-logit))) }

  package var logit: Double { log(value / (1 - value)) }
}

extension Calibrator: Codable {
  private enum CodingKeys: String, CodingKey {
    case kind, slope, intercept, a, b, c, margins, probabilities
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func number(_ key: CodingKeys) throws -> Double { try container.decode(Double.self, forKey: key) }
    switch try container.decode(String.self, forKey: .kind) {
    case "identity": self = .identity
    case "platt": self = .platt(slope: try number(.slope), intercept: try number(.intercept))
    case "beta": self = .beta(a: try number(.a), b: try number(.b), c: try number(.c))
    case "isotonic":
      let points = Points(
        margins: try container.decode([Double].self, forKey: .margins),
        probabilities: try container.decode([Double].self, forKey: .probabilities))
      guard let points else {
        throw DecodingError.dataCorruptedError(
          forKey: .margins, in: container, debugDescription: "the points do not ascend")
      }
      self = .isotonic(points)
    case let other:
      throw DecodingError.dataCorruptedError(
        forKey: .kind, in: container, debugDescription: "unknown calibrator “\(other)”")
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(kind, forKey: .kind)
    switch self {
    case .identity: break
    case .platt(let slope, let intercept):
      try container.encode(slope, forKey: .slope)
      try container.encode(intercept, forKey: .intercept)
    case .beta(let a, let b, let c):
      try container.encode(a, forKey: .a)
      try container.encode(b, forKey: .b)
      try container.encode(c, forKey: .c)
    case .isotonic(let points):
      try container.encode(points.margins, forKey: .margins)
      try container.encode(points.probabilities, forKey: .probabilities)
    }
  }
}
