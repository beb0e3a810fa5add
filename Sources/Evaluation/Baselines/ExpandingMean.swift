import Market

/// The mean of the labels finished so far: what a row could know of the base rate when it was decided.
package enum ExpandingMean {
  /// The share of ups, with one up and one down assumed before the first: (ups + 1) ÷ (n + 2).
  package static func baseRate(_ spans: LabelSpans, labels: [Double], weights: [Double]? = nil) -> [Double] {
    means(spans, labels, weights, priorSum: 1, priorWeight: 2)
  }

  /// The mean change, with one change of zero assumed before the first.
  package static func change(_ spans: LabelSpans, labels: [Double]) -> [Double] {
    means(spans, labels, nil, priorSum: 0, priorWeight: 1)
  }

  /// Labels that are NaN do not count.
  private static func means(
    _ spans: LabelSpans, _ labels: [Double], _ weights: [Double]?, priorSum: Double, priorWeight: Double
  ) -> [Double] {
    let byEnd = labels.indices.filter { !labels[$0].isNaN }.sorted {
      (spans.labelEnds[$0], $0) < (spans.labelEnds[$1], $1)
    }
    var (sum, total, next) = (priorSum, priorWeight, 0)
    return spans.decisionTimes.map { time in
      while next < byEnd.count, spans.labelEnds[byEnd[next]] <= time {
        let weight = weights?[byEnd[next]] ?? 1
        sum += weight * labels[byEnd[next]]
        total += weight
        next += 1
      }
      return sum / total
    }
  }
}
