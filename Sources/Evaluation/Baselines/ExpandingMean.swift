import Market

/// The mean of the labels finished so far: what a row could know of the base rate when it was decided.
package enum ExpandingMean {
  /// One answer for each row; labels that are NaN do not count.
  package static func answers(
    _ spans: LabelSpans, labels: [Double], weights: [Double]? = nil, prior: Prior = .coin
  ) -> [Double] {
    let byEnd = labels.indices.filter { !labels[$0].isNaN }.sorted {
      (spans.labelEnds[$0], $0) < (spans.labelEnds[$1], $1)
    }
    var (sum, total, next) = (prior.sum, prior.weight, 0)
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
