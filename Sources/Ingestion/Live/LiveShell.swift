package import Market
internal import Synchronization

/// Runs a core against the world: carries out its actions, feeds it what comes back, hands out what it gives.
///
/// One task steps the core; everything else only fills its inbox, so a slow store slows the reading of sockets down
/// instead of filling memory.
package final class LiveShell: Sendable {
  package static let inboxCapacity = 8192

  private let inbox: Inbox<StampedInput>
  private let links: [VenueLinks]
  private let clock: PipelineClock
  private let isStopping = Atomic<Bool>(false)

  /// - Parameter links: in the order of the core's feeds, filling `inbox`.
  package init(links: [VenueLinks], inbox: Inbox<StampedInput>, clock: PipelineClock) {
    (self.links, self.inbox, self.clock) = (links, inbox, clock)
  }

  /// Ends `run` when what has arrived by now is taken in.
  package func stop() {
    isStopping.store(true, ordering: .relaxed)
    inbox.close()
  }

  /// Returns after `stop`, or when the core is done.
  ///
  /// - Parameters:
  ///   - record: gets every input before it is taken in.
  ///   - take: gets what it gave.
  package func run(
    _ core: inout LiveCore, record: (StampedInput) -> Void, take: (LiveOutput, LiveCore, Timestamp) async throws -> Void
  ) async throws {
    try await withThrowingDiscardingTaskGroup { tasks in
      defer { tasks.cancelAll() }
      tasks.addTask { await self.tick() }
      var now = clock.now()
      let first = core.start()
      perform(first.actions, &tasks)
      try await take(first, core, now)
      while !core.isDone {
        let inputs = await inbox.take()
        guard !inputs.isEmpty else { break }
        for stamped in inputs {
          // Sockets are stamped by different threads; the core's time never goes back.
          now = max(now, stamped.time)
          let input = StampedInput(stamped.input, at: now)
          record(input)
          let output = core.step(input.input, at: now)
          perform(output.actions, &tasks)
          try await take(output, core, now)
        }
      }
    }
  }

  private func perform(_ actions: [LiveAction], _ tasks: inout ThrowingDiscardingTaskGroup<any Error>) {
    for action in actions {
      switch action {
      case .connect(let id, let plan): tasks.addTask { await self.links[id.feed].run(id, plan) }
      case .send(let id, let texts): tasks.addTask { await self.links[id.feed].send(texts, to: id) }
      case .close(let id): links[id.feed].close(id)
      case .request(let id, let request, let timeout):
        tasks.addTask { await self.links[id.feed].request(id, request, timeoutSeconds: timeout) }
      }
    }
  }

  /// Once a second of the pipeline's clock, but no faster than the core needs to notice anything.
  private func tick() async {
    let interval = Duration.seconds(max(clock.wallSeconds(1), 0.02))
    while !Task.isCancelled, !isStopping.load(ordering: .relaxed) {
      try? await Task.sleep(for: interval)
      await inbox.put(StampedInput(.tick, at: clock.now()))
    }
  }
}
