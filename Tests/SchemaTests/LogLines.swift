import Operations
import Platform
import Synchronization

@testable import candlecast

/// What goes to a log's screen, line by line.
final class LogLines: Sendable {
  private let lines = Mutex<[String]>([])
  let stream: AsyncStream<String>
  private let continuation: AsyncStream<String>.Continuation

  init() { (stream, continuation) = AsyncStream.makeStream() }

  var all: [String] { lines.withLock { $0 } }

  func log(_ level: LogLevel = .info) -> Log {
    Log(
      files: nil, fileLevel: level, screenLevel: level,
      screen: { line in
        self.lines.withLock { $0.append(line) }
        self.continuation.yield(line)
      }, clock: SystemClock.now)
  }
}
