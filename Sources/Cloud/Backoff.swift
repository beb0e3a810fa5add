/// How often and after which waits a request is tried again.
package struct Backoff: Hashable, Sendable {
  /// The first one included.
  package var attempts: Int
  package var firstSeconds: Double
  package var longestSeconds: Double

  package init(attempts: Int = 6, firstSeconds: Double = 0.1, longestSeconds: Double = 10) {
    self.attempts = max(1, attempts)
    self.firstSeconds = min(max(0, firstSeconds), 3600)
    self.longestSeconds = min(max(0, longestSeconds), 3600)
  }

  /// A random part of a span that doubles: many who were refused together do not come back together.
  ///
  /// - Parameter failures: how many there were, at least one.
  package func seconds(afterFailures failures: Int, chance: Double) -> Double {
    let doublings = min(max(0, failures - 1), 30)
    return min(longestSeconds, firstSeconds * Double(1 << doublings)) * min(max(0, chance), 1)
  }
}
