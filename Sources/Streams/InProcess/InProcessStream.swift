internal import Synchronization

/// A stream between tasks of one process. It holds a bounded number of records; publishers wait for the slowest group.
package final class InProcessStream: EventStream {
  package let name: String
  private let capacity: Int
  private let groupNames: [String]
  private let state: Mutex<InProcessState>
  private let changes = ChangeSignal()
  private let tally = Tally()

  package init(name: String, capacity: Int = 10_000, groups: [String]) {
    precondition(capacity > 0 && !groups.isEmpty, "a stream holds something for someone")
    (self.name, self.capacity, groupNames) = (name, capacity, groups)
    state = Mutex(InProcessState(groups: groups))
  }

  package var statistics: StreamStatistics {
    var statistics = tally.value
    statistics.held = state.withLock(\.held)
    statistics.settled = statistics.published - UInt64(statistics.held)
    return statistics
  }

  package func publish(_ records: [StreamRecord]) async throws(StreamError) {
    for record in records { try record.validate() }
    var rest = records[...]
    while !rest.isEmpty {
      let version = changes.version
      let (taken, isClosed) = state.withLock { state in
        (state.isClosed ? 0 : state.append(rest, room: capacity - state.held), state.isClosed)
      }
      if isClosed { throw .closed(stream: name) }
      rest = rest.dropFirst(taken)
      guard taken > 0 else {
        try await wait(version)
        continue
      }
      tally.count { $0.published += UInt64(taken) }
      changes.ring()
    }
  }

  package func flush() async throws(StreamError) {}

  package func settle() async throws(StreamError) {
    while true {
      let version = changes.version
      if state.withLock({ $0.held == 0 }) { return }
      try await wait(version)
    }
  }

  package func consumer(group: String, name: String) async throws(StreamError) -> any StreamConsumer {
    guard groupNames.contains(group) else {
      throw .unknownGroup(stream: self.name, group: group, known: groupNames)
    }
    return InProcessConsumer(self, group, number: state.withLock { $0.newConsumer() })
  }

  /// There is nothing to do in between.
  package func run() async throws(StreamError) {
    while !Task.isCancelled, !state.withLock(\.isClosed) { await changes.wait(after: changes.version) }
  }

  /// Consumers get what there is, and then the end.
  package func close() async {
    state.withLock { $0.isClosed = true }
    changes.ring()
  }

  private func wait(_ version: UInt64) async throws(StreamError) {
    await changes.wait(after: version)
    if Task.isCancelled { throw .cancelled(stream: name) }
  }

  // MARK: Consumers

  fileprivate func next(_ group: String, _ consumer: Int, limit: Int) async throws(StreamError) -> [Delivery] {
    while true {
      if Task.isCancelled { throw .cancelled(stream: name) }
      let version = changes.version
      let (deliveries, isOver) = state.withLock { state in
        (state.take(group, consumer, limit: max(1, limit)), state.isOver(group, for: consumer))
      }
      guard deliveries.isEmpty else {
        let again = deliveries.count { $0.attempt > 1 }
        tally.count {
          $0.delivered += UInt64(deliveries.count)
          $0.redelivered += UInt64(again)
        }
        return deliveries
      }
      if isOver { return [] }
      try await wait(version)
    }
  }

  fileprivate func acknowledge(_ group: String, _ consumer: Int, _ deliveries: [Delivery]) {
    let count = state.withLock { state in
      deliveries.count { UInt64($0.position.sequence).map { state.finish(group, consumer, $0) } ?? false }
    }
    tally.count { $0.acknowledged += UInt64(count) }
    changes.ring()
  }

  fileprivate func leave(_ group: String, _ consumer: Int) {
    state.withLock { $0.putBack(group, consumer) }
    changes.ring()
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
