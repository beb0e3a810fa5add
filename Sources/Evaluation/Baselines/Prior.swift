/// Labels assumed before the first is known, so that few labels do not make a sure answer.
package struct Prior: Sendable {
  package let sum: Double
  package let weight: Double

  /// One up and one down: the share of ups is (ups + 1) ÷ (n + 2).
  package static let coin = Prior(sum: 1, weight: 2)

  /// One change of zero.
  package static let noChange = Prior(sum: 0, weight: 1)
}
