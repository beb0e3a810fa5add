package import Models

extension Estimate {
  /// The whole interval lies above zero.
  package var isAboveZero: Bool { (low ?? -1) > 0 }

  /// Such as `0.6917 [0.6911, 0.6923]`.
  package func text(digits: Int) -> String { text(digits, factor: 1, unit: "") }

  /// Such as `1.20 % [0.31, 2.11]` for a part of one.
  package func percentText(digits: Int) -> String { text(digits, factor: 100, unit: " %") }

  private func text(_ digits: Int, factor: Double, unit: String) -> String {
    let figure = fixed(factor * (value ?? .nan), digits) + unit
    guard let low, let high else { return figure }
    return "\(figure) [\(fixed(factor * low, digits)), \(fixed(factor * high, digits))]"
  }
}
