import Operations
import Streams
import Synchronization

/// Streams at work beside the role that uses them. When one of them cannot go on, neither does the role.
final class StreamWork: Sendable {
  private let trouble = Mutex<StreamError?>(nil)

  /// Why a stream has ended by itself.
  var failure: CommandError? { trouble.withLock(\.self).map { CommandError(.unreachable, "\($0)") } }

  /// Runs the streams while `body` does, and closes them.
  ///
  /// - Throws: why a stream could not go on, before what came of that.
  func run<Value>(_ streams: [any EventStream], _ body: () async throws -> sending Value) async throws -> sending Value
  {
    let tasks = streams.map { stream in Task { await run(stream) } }
    defer { for task in tasks { task.cancel() } }
    do {
      let value = try await body()
      for stream in streams { await stream.close() }
      if let failure { throw failure }
      return value
    } catch let error as StreamError {
      throw failure ?? CommandError(.unreachable, "\(error)")
    } catch {
      throw failure ?? error
    }
  }

  /// Runs one stream; who waits for it is woken by its end.
  func run(_ stream: any EventStream) async {
    do throws(StreamError) {
      try await stream.run()
    } catch {
      trouble.withLock { $0 = $0 ?? error }
      await stream.close()
    }
  }
}
