import Ingestion

/// How long it took until nothing was missing.
struct Recovery: Hashable, Sendable {
  /// From the start until every socket was open and no gap was; `nil` until then.
  private(set) var startSeconds: Double?
  /// From when the newest gap was found until none was open; `nil` before one was closed.
  private(set) var gapSeconds: Double?

  private let begunAt: Double
  private var foundAt: Double?

  /// - Parameter seconds: by this machine's clock.
  init(since seconds: Double) { begunAt = seconds }

  /// To be called again and again; it is as exact as that is often.
  mutating func note(_ report: LiveReport, at seconds: Double) {
    note(isConnected: report.feeds.allSatisfy(\.isConnected), hasGap: report.hasGap, at: seconds)
  }

  mutating func note(isConnected: Bool, hasGap: Bool, at seconds: Double) {
    if startSeconds == nil {
      if isConnected, !hasGap { startSeconds = seconds - begunAt }
    } else if hasGap {
      foundAt = foundAt ?? seconds
    } else if let found = foundAt {
      (gapSeconds, foundAt) = (seconds - found, nil)
    }
  }
}

extension LiveReport {
  fileprivate var hasGap: Bool {
    feeds.contains { feed in feed.series.contains { $0.missingMinutes > 0 || $0.missingTradeIds > 0 } }
  }
}
