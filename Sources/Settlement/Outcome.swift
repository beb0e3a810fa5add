package import Market

/// What a decision turned out to be.
package struct Outcome: Hashable, Sendable {
  /// 1 up and 0 down for binary targets, percent for `change-H`.
  package let value: Double
  /// When the outcome was finished: nothing before this instant may know it.
  package let labelEnd: Timestamp

  package init(value: Double, labelEnd: Timestamp) {
    (self.value, self.labelEnd) = (value, labelEnd)
  }
}

/// The outcomes of many decisions as columns.
package struct Labels: Sendable {
  /// NaN where a needed minute is absent.
  package let values: [Double]
  package let labelEnds: [Timestamp]
}
