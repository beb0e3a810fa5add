package import Market
package import Storage

/// Which state every key of one series has: minutes or trade ids, as disjoint, rising pieces.
package struct StateLine: Hashable, Sendable {
  package struct Piece: Hashable, Sendable {
    package var range: Range<Int64>
    package var state: LedgerState
    /// Of missing keys it names the gap that they belong to.
    package var since: Timestamp
  }

  package private(set) var pieces: [Piece] = []

  package init() {}

  package func state(of key: Int64) -> LedgerState? { piece(at: key)?.state }

  package func piece(at key: Int64) -> Piece? {
    let index = firstPiece(endingAfter: key)
    return index < pieces.count && pieces[index].range.lowerBound <= key ? pieces[index] : nil
  }

  /// The parts of the pieces that lie in `range`.
  package func pieces(in range: Range<Int64>) -> [Piece] {
    var found: [Piece] = []
    for piece in pieces[firstPiece(endingAfter: range.lowerBound)...] {
      guard piece.range.lowerBound < range.upperBound else { break }
      var part = piece
      part.range = piece.range.clamped(to: range)
      found.append(part)
    }
    return found
  }

  /// The parts of `range` without a state.
  package func blanks(in range: Range<Int64>) -> [Range<Int64>] {
    var covered = KeyRanges()
    for piece in pieces(in: range) { covered.insert(piece.range) }
    return covered.holes(in: range)
  }

  /// Takes the range over from whatever stood there. Neighbours of one state become one piece with the earlier time,
  /// except that gaps stay apart.
  package mutating func set(_ range: Range<Int64>, _ state: LedgerState, since: Timestamp) {
    guard !range.isEmpty else { return }
    let first = firstPiece(endingAfter: range.lowerBound)
    var end = first
    while end < pieces.count, pieces[end].range.lowerBound < range.upperBound { end += 1 }
    var replacement: [Piece] = []
    if first < end, pieces[first].range.lowerBound < range.lowerBound {
      replacement.append(pieces[first].cut(to: pieces[first].range.lowerBound..<range.lowerBound))
    }
    replacement.append(Piece(range: range, state: state, since: since))
    if first < end, pieces[end - 1].range.upperBound > range.upperBound {
      replacement.append(pieces[end - 1].cut(to: range.upperBound..<pieces[end - 1].range.upperBound))
    }
    pieces.replaceSubrange(first..<end, with: replacement)
    merge(around: first, replacement.count)
  }

  private mutating func merge(around first: Int, _ count: Int) {
    var index = min(first + count, pieces.count - 1)
    while index > max(first - 1, 0) {
      if pieces[index - 1].continues(with: pieces[index]) {
        pieces[index - 1].range = pieces[index - 1].range.lowerBound..<pieces[index].range.upperBound
        pieces[index - 1].since = min(pieces[index - 1].since, pieces[index].since)
        pieces.remove(at: index)
      }
      index -= 1
    }
  }

  private func firstPiece(endingAfter key: Int64) -> Int {
    var (low, high) = (0, pieces.count)
    while low < high {
      let middle = (low + high) / 2
      if pieces[middle].range.upperBound > key { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

extension StateLine.Piece {
  fileprivate func cut(to range: Range<Int64>) -> Self {
    var part = self
    part.range = range
    return part
  }

  fileprivate func continues(with next: Self) -> Bool {
    range.upperBound == next.range.lowerBound && state == next.state && (state != .missing || since == next.since)
  }
}
