internal import Platform

/// One connection to a Redis server, shared by any number of tasks.
///
/// Commands of tasks that call at the same time go out together, and each gets its own answer. The connection is made
/// at once and again whenever it is lost; while it cannot be made, calls fail at once. A command that blocks in the
/// server keeps all others waiting, so it needs a client of its own.
package final class RedisClient: Sendable {
  private let queue: CallQueue

  package init(_ options: RedisOptions) throws(RedisError) {
    let queue = try CallQueue(options)
    self.queue = queue
    do throws(DedicatedThread.CannotStart) {
      try DedicatedThread.start {
        var loop = ClientLoop(queue)
        loop.run()
      }
    } catch {
      throw .cannotStart(reason: error.description)
    }
  }

  deinit { queue.close() }

  package var options: RedisOptions { queue.options }
  package var statistics: RedisStatistics { queue.statistics }

  /// Calls that wait end with `closed`.
  package func close() { queue.close() }

  /// - Parameter timeout: from now to the answer; the client's own if `nil`.
  package func send(_ command: RedisCommand, timeout: Duration? = nil) async throws(RedisError) -> RedisValue {
    let answer = try await pipeline([command], timeout: timeout)[0]
    if case .error(let error) = answer { throw error }
    return answer
  }

  /// The answers in the order of the commands; one that fails does not keep the others from being carried out.
  package func pipeline(_ commands: [RedisCommand], timeout: Duration? = nil) async throws(RedisError) -> [RedisValue] {
    if commands.isEmpty { return [] }
    let call = PendingCall(commands, now: SystemClock.monotonicNanoseconds(), timeout: timeout ?? options.timeout)
    let queue = queue
    let outcome: PendingCall.Outcome = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        if call.begin(continuation) { queue.submit(call) }
      }
    } onCancel: {
      call.finish(.failure(.cancelled(server: queue.options.address.description)))
    }
    return try outcome.get()
  }

  /// All of the commands or none, with nobody's in between.
  package func transaction(
    _ commands: [RedisCommand], timeout: Duration? = nil
  ) async throws(RedisError) -> [RedisValue] {
    let all = [RedisCommand("MULTI")] + commands + [RedisCommand("EXEC")]
    let answers = try await pipeline(all, timeout: timeout)
    // A command that is refused says why; EXEC only says that one was.
    for answer in answers {
      if case .error(let error) = answer { throw error }
    }
    guard case .array(let results)? = answers.last, results.count == commands.count else {
      throw .unexpected(server: options.address.description, command: "EXEC", answer: "something else")
    }
    return results
  }
}
