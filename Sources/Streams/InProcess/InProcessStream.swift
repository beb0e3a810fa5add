/// A stream between tasks of one process. It holds a bounded number of records; publishers wait for the slowest group.
package final class InProcessStream: EventStream {
  package let name: String
  private let capacity: Int
  private let groupNames: [String]
  private let outbox: Outbox<InProcessState>
  private let tally = Tally()

  package init(name: String, capacity: Int = 10_000, groups: [String]) {
    precondition(capacity > 0 && !groups.isEmpty, "a stream holds something for someone")
    (self.name, self.capacity, groupNames) = (name, capacity, groups)
    outbox = Outbox(InProcessState(groups: groups), stream: name, tally: tally)
  }

  package var statistics: StreamStatistics {
    var statistics = tally.value
    statistics.held = outbox.withLock(\.held)
    statistics.settled = statistics.published - UInt64(statistics.held)
    return statistics
  }

  package func publish(_ records: [StreamRecord]) async throws(StreamError) {
    for record in records { try record.validate() }
    try await outbox.publish(records) { $0.append($1, room: capacity - $0.held) }
  }

  package func flush() async throws(StreamError) {}

  /// Goes on after the stream was closed.
  package func settle() async throws(StreamError) {
    while true {
      let version = outbox.changes.version
      if outbox.withLock({ $0.held == 0 }) { return }
      try await outbox.wait(after: version)
    }
  }

  package func consumer(group: String, name: String) async throws(StreamError) -> any StreamConsumer {
    guard groupNames.contains(group) else {
      throw .unknownGroup(stream: self.name, group: group, known: groupNames)
    }
    return InProcessConsumer(self, group, number: outbox.withLock { $0.newConsumer() })
  }

  /// There is nothing to do in between.
  package func run() async throws(StreamError) {
    while !Task.isCancelled, !outbox.isClosed { await outbox.changes.wait(after: outbox.changes.version) }
  }

  /// Consumers get what there is, and then the end.
  package func close() async {
    outbox.close()
  }

  // MARK: Consumers

  fileprivate func next(_ group: String, _ consumer: Int, limit: Int) async throws(StreamError) -> [Delivery] {
    while true {
      if Task.isCancelled { throw .cancelled(stream: name) }
      let version = outbox.changes.version
      // Looked at first: what is published before the end is seen then.
      let isClosed = outbox.isClosed
      let (deliveries, isLast) = outbox.withLock { state in
        (state.take(group, consumer, limit: max(1, limit)), state.leavesNothing(of: group, to: consumer))
      }
      guard deliveries.isEmpty else {
        tally.delivered(deliveries)
        return deliveries
      }
      if isClosed && isLast { return [] }
      try await outbox.wait(after: version)
    }
  }

  fileprivate func acknowledge(_ group: String, _ consumer: Int, _ deliveries: [Delivery]) {
    let count = outbox.withLock { state in
      deliveries.count { UInt64($0.position.sequence).map { state.finish(group, consumer, $0) } ?? false }
    }
    tally.count { $0.acknowledged += UInt64(count) }
    outbox.changes.ring()
  }

  fileprivate func leave(_ group: String, _ consumer: Int) {
    outbox.withLock { $0.putBack(group, consumer) }
    outbox.changes.ring()
  }
}

/// A member of a group in this process.
final class InProcessConsumer: StreamConsumer {
  private let stream: InProcessStream
  private let group: String
  private let number: Int

  fileprivate init(_ stream: InProcessStream, _ group: String, number: Int) {
    (self.stream, self.group, self.number) = (stream, group, number)
  }

  deinit { stream.leave(group, number) }

  func next(limit: Int) async throws(StreamError) -> [Delivery] {
    try await stream.next(group, number, limit: limit)
  }

  func acknowledge(_ deliveries: [Delivery]) async throws(StreamError) {
    stream.acknowledge(group, number, deliveries)
  }

  func close() async { stream.leave(group, number) }
}
