/// Where a share lies with 95 % confidence, by Wilson's score: inside 0 to 1 also for few, and for none or all.
package struct WilsonInterval: Hashable, Sendable {
  private static let quantile = 1.959963984540054

  package let low: Double
  package let high: Double

  /// - Parameter count: of independent observations; `nil` without any.
  package init?(share: Double, of count: Int) {
    guard count > 0, (0...1).contains(share) else { return nil }
    let n = Double(count)
    let square = Self.quantile * Self.quantile
    let centre = (share + square / (2 * n)) / (1 + square / n)
    let half = Self.quantile / (1 + square / n) * (share * (1 - share) / n + square / (4 * n * n)).squareRoot()
    (low, high) = (max(0, centre - half), min(1, centre + half))
  }
}
