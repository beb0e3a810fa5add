import Market
import Operations
import Storage

/// Keeps from the cleanup what an import brought and the next cleanup would take.
struct ImportPins: Sendable {
  struct Imported: Sendable {
    let series: Series
    /// Open times from the first candle's to after the last one's.
    var range: Range<Timestamp>
  }

  private let policy: RetentionPolicy
  private let now: Timestamp

  init(_ context: CommandContext) {
    policy = RetentionPolicy(context.configuration)
    now = context.now()
  }

  /// Pins what begins before the retention of candles, files that follow one another as one range.
  ///
  /// - Returns: what is pinned.
  func pin(_ imported: [Imported], in store: any Store) throws -> [Imported] {
    let pinned = Self.joined(imported.filter { $0.range.lowerBound < policy.firstCandle(at: now) })
    for one in pinned {
      try store.pin(RetentionPin(series: one.series, range: one.range, reason: "imported", pinnedAt: now))
    }
    return pinned
  }

  private static func joined(_ imported: [Imported]) -> [Imported] {
    let sorted = imported.sorted {
      ($0.series.description, $0.range.lowerBound) < ($1.series.description, $1.range.lowerBound)
    }
    var joined: [Imported] = []
    for one in sorted {
      if let last = joined.last, last.series == one.series, last.range.upperBound >= one.range.lowerBound {
        let end = max(last.range.upperBound, one.range.upperBound)
        joined[joined.count - 1].range = last.range.lowerBound..<end
      } else {
        joined.append(one)
      }
    }
    return joined
  }

  func text(_ pinned: Imported) -> String {
    "\(pinned.series): pinned from \(pinned.range.lowerBound) to \(pinned.range.upperBound): older than "
      + "\(policy.candlesDays) days, and no cleanup takes it"
  }
}

extension ImportPins.Imported {
  var json: JSONValue {
    [
      "series": .text(series.description), "from": .text(range.lowerBound.description),
      "to": .text(range.upperBound.description),
    ]
  }
}
