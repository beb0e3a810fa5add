package import Market

/// Puts versions of candles into the order in which a live reader had them, while they are read in open-time order.
///
/// No version is available before its candle has closed, so a version can be handed on as soon as a later candle's close
/// is reached; only what came late waits.
struct AvailabilityOrder<Version: Available> {
  /// A binary heap; its root is available first.
  private var waiting: [Version] = []

  mutating func push(_ record: Version) {
    waiting.append(record)
    var child = waiting.count - 1
    while child > 0, waiting[child].precedes(waiting[(child - 1) / 2]) {
      waiting.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// The next version that nothing still to be read can precede, given that it all closes at `close` or later.
  mutating func pop(before close: Timestamp) -> Version? {
    guard let first = waiting.first, first.availableAt < close else { return nil }
    let last = waiting.removeLast()
    if !waiting.isEmpty {
      waiting[0] = last
      sink()
    }
    return first
  }

  private mutating func sink() {
    var parent = 0
    while true {
      let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < waiting.count }
      guard let least = children.min(by: { waiting[$0].precedes(waiting[$1]) }),
        waiting[least].precedes(waiting[parent])
      else { return }
      waiting.swapAt(parent, least)
      parent = least
    }
  }
}

/// Something a live reader had from some time on.
protocol Available {
  var availableAt: Timestamp { get }
  func precedes(_ other: Self) -> Bool
}

extension CandleRecord: Available {}
extension MarketEvent: Available {}

extension CandleStore {
  /// Calls `body` with every version of every candle that opens before `end`, in the order in which a live reader had them.
  ///
  /// `asOf` hides what was stored or became available later.
  package func readEvents(
    _ series: Series, before end: Timestamp = .distantFuture, asOf: Timestamp = .distantFuture,
    _ body: (CandleRecord) throws -> Void
  ) throws {
    try readEvents(series, in: .distantPast..<end, asOf: asOf, body)
  }

  /// The same for the candles that open in a range.
  package func readEvents(
    _ series: Series, in range: Range<Timestamp>, asOf: Timestamp = .distantFuture,
    _ body: (CandleRecord) throws -> Void
  ) throws {
    let revised = Dictionary(
      grouping: try revisions(series, in: range, asOf: asOf).map(\.record), by: \.candle.openTime)
    var order = AvailabilityOrder<CandleRecord>()
    try readCandles(series, in: range, asOf: asOf) { batch in
      for record in batch {
        while let next = order.pop(before: record.candle.closeTime) { try body(next) }
        for version in revised[record.candle.openTime] ?? [record] where version.availableAt <= asOf {
          order.push(version)
        }
      }
    }
    while let next = order.pop(before: .distantFuture) { try body(next) }
  }
}
