internal import Synchronization

/// The counts of one stream, shared by all who work for it.
final class Tally: Sendable {
  private let counts = Mutex(StreamStatistics())

  var value: StreamStatistics { counts.withLock(\.self) }

  func count(_ change: (inout StreamStatistics) -> Void) { counts.withLock { change(&$0) } }

  func trouble(_ error: StreamError) {
    counts.withLock {
      $0.troubles += 1
      $0.lastTrouble = error
    }
  }
}
