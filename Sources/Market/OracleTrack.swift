/// An oracle's values in order of time, one an instant: of several sources of one instant the best counts.
package struct OracleTrack: Sendable {
  private var points: [Point] = []

  package struct Point: Hashable, Sendable {
    package var time: Timestamp
    package var price: OraclePrice
    package var source: OracleSource
  }

  package init() {}

  /// The order of the ticks matters only where one source says two things of one instant: the first counts.
  package init(_ ticks: some Sequence<OracleTick>) {
    for tick in ticks.sorted(by: { $0.time < $1.time }) { insert(tick) }
  }

  /// - Returns: whether the track is another one now.
  @discardableResult
  package mutating func insert(_ tick: OracleTick) -> Bool {
    let point = Point(time: tick.time, price: tick.price, source: tick.source)
    let index = firstIndex(after: tick.time)
    guard index > 0, points[index - 1].time == tick.time else {
      points.insert(point, at: index)
      return true
    }
    guard point.source.rank < points[index - 1].source.rank else { return false }
    defer { points[index - 1] = point }
    return points[index - 1].price != point.price
  }

  package mutating func removeAll(before time: Timestamp) {
    let index = points.firstIndex { $0.time >= time } ?? points.count
    points.removeFirst(index)
  }

  /// Of the first value later than `time`; `endIndex` if there is none.
  package func firstIndex(after time: Timestamp) -> Int {
    guard let last = points.last, last.time > time else { return points.count }
    var (low, high) = (0, points.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if points[middle].time > time { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

extension OracleTrack: RandomAccessCollection {
  package var startIndex: Int { 0 }
  package var endIndex: Int { points.count }
  package subscript(index: Int) -> Point { points[index] }
}
