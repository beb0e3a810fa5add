internal import Synchronization

/// The counts of one stream, shared by all who work for it.
final class Tally: Sendable {
  private let counts = Mutex(StreamStatistics())

  var value: StreamStatistics { counts.withLock(\.self) }

  func count(_ change: (inout StreamStatistics) -> Void) { counts.withLock { change(&$0) } }

  func delivered(_ deliveries: [Delivery]) {
    let again = deliveries.count { $0.attempt > 1 }
    count {
      $0.delivered += UInt64(deliveries.count)
      $0.redelivered += UInt64(again)
    }
  }

  func trouble(_ error: StreamError) {
    counts.withLock {
      $0.troubles += 1
      $0.lastTrouble = error
    }
  }
}
