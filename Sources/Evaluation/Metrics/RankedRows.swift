/// Rows in ascending order of score, in runs of equal scores.
struct RankedRows {
  let order: [Int]
  /// Bounds within `order` of the rows that share a score.
  let ties: [Range<Int>]

  init(scores: [Double]) {
    let order = scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
    var ties: [Range<Int>] = []
    var start = 0
    for position in order.indices.dropFirst() where scores[order[position]] != scores[order[start]] {
      ties.append(start..<position)
      start = position
    }
    if !order.isEmpty { ties.append(start..<order.count) }
    (self.order, self.ties) = (order, ties)
  }
}

extension Scored {
  /// The area under the ROC curve: the chance that a row that went up has a higher probability than one that went down;
  /// ties count half. NaN unless both came.
  package var auc: Double {
    let ranked = RankedRows(scores: probabilities)
    var (wins, downs, ups) = (0.0, 0.0, 0.0)
    for tie in ranked.ties {
      var (tiedUps, tiedDowns) = (0.0, 0.0)
      for row in ranked.order[tie] {
        tiedUps += weight(row) * labels[row]
        tiedDowns += weight(row) * (1 - labels[row])
      }
      wins += tiedUps * (downs + tiedDowns / 2)
      ups += tiedUps
      downs += tiedDowns
    }
    return wins / (ups * downs)
  }
}
