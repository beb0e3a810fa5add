internal import Market

/// The newest states of an engine, oldest first, in places that are used again: keeping one more neither allocates nor
/// moves the others once all places have been used.
struct CheckpointRing: Sendable {
  private let capacity: Int
  private var places: [FeatureCheckpoint] = []
  /// Open time of the newest candle of each state in `places`, apart from them because a look at one copies it.
  private var openTimes: [Timestamp?] = []
  /// Place of the oldest.
  private var first = 0
  private(set) var count = 0

  init(capacity: Int) {
    self.capacity = capacity
    places.reserveCapacity(capacity)
    openTimes.reserveCapacity(capacity)
  }

  /// Takes the place of the oldest if all are used.
  mutating func append(_ engine: borrowing FeatureEngine) {
    let place = (first + count) % capacity
    if place == places.count {
      places.append(FeatureCheckpoint())
      openTimes.append(nil)
    }
    engine.write(to: &places[place])
    openTimes[place] = engine.openTime
    if count == capacity { first = (first + 1) % capacity } else { count += 1 }
  }

  /// How many states are of before `time`; they are the oldest.
  func countBefore(_ time: Timestamp) -> Int {
    var known = count
    while known > 0, let newest = openTimes[place(known - 1)], newest >= time { known -= 1 }
    return known
  }

  /// Open time of the newest candle in a state; `nil` if it is the state before any.
  func openTime(_ index: Int) -> Timestamp? { openTimes[place(index)] }

  func engine(_ index: Int) -> FeatureEngine { FeatureEngine(restoring: places[place(index)]) }

  mutating func keepFirst(_ kept: Int) { count = min(count, kept) }

  private func place(_ index: Int) -> Int { (first + index) % capacity }
}
