import Ingestion
import Market
import Streams

/// What a role that reads a stream is woken by.
enum RoleInput: Sendable {
  case deliveries([Delivery])
  case tick(Timestamp)
}

/// Reads a stream for a role until it is stopped.
struct RoleReader: Sendable {
  let stream: any EventStream
  let group: String
  let member: String
  /// Of the ticks; `nil` for a role without any.
  let clock: PipelineClock?
  let isStopRequested: @Sendable () -> Bool

  /// Calls `take` with what comes, in order, and acknowledges what that says is done; returns soon after a stop was
  /// asked for. What is not done when this process ends comes again to the next.
  func run(_ take: (RoleInput) async throws -> [Delivery]) async throws {
    let consumer = try await stream.consumer(group: group, name: member)
    let inbox = Inbox<RoleInput>(capacity: 16)
    try await withThrowingTaskGroup { tasks in
      defer { tasks.cancelAll() }
      tasks.addTask {
        defer { inbox.close() }
        while true {
          let deliveries = try await consumer.next(limit: 256)
          if deliveries.isEmpty { return }
          await inbox.put(.deliveries(deliveries))
        }
      }
      tasks.addTask {
        while !isStopRequested() { try await Task.sleep(for: .milliseconds(50)) }
        inbox.close()
      }
      if let clock {
        tasks.addTask {
          while !Task.isCancelled {
            try await Task.sleep(for: .seconds(clock.wallSeconds(1)))
            await inbox.put(.tick(clock.now()))
          }
        }
      }
      while true {
        let inputs = await inbox.take()
        guard !inputs.isEmpty else { break }
        for input in inputs {
          let done = try await take(input)
          if !done.isEmpty { try await consumer.acknowledge(done) }
        }
      }
      await consumer.close()
      // How the reading ended.
      try await tasks.next()
    }
  }
}
