/// Raw margins of a model beside what came.
package struct MarginRows: Sendable {
  /// Log-odds as the model gives them.
  package let margins: [Double]
  /// 0 or 1.
  package let labels: [Double]
  package let weights: [Double]?

  package init(margins: [Double], labels: [Double], weights: [Double]? = nil) {
    precondition(margins.count == labels.count, "columns differ in length")
    precondition(weights == nil || weights?.count == labels.count, "columns differ in length")
    (self.margins, self.labels, self.weights) = (margins, labels, weights)
  }

  package var count: Int { labels.count }

  package func selecting(_ rows: some Sequence<Int>) -> MarginRows {
    let rows = Array(rows)
    return MarginRows(
      margins: rows.map { margins[$0] }, labels: rows.map { labels[$0] },
      weights: weights.map { weights in rows.map { weights[$0] } })
  }

  /// Both directions came, so that something can be fitted.
  package var hasBothLabels: Bool { labels.contains { $0 > 0.5 } && labels.contains { $0 <= 0.5 } }
}
