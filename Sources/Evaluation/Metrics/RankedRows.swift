/// Rows in ascending order of score, in runs of equal scores.
struct RankedRows {
  let order: [Int]
  /// Bounds within `order` of the rows that share a score.
  let ties: [Range<Int>]

  init(scores: [Double]) {
    var keyed: [(score: Double, row: Int)] = []
    keyed.reserveCapacity(scores.count)
    for row in scores.indices { keyed.append((scores[row], row)) }
    keyed.sort { $0.score < $1.score || ($0.score == $1.score && $0.row < $1.row) }
    let order = keyed.map(\.row)
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
