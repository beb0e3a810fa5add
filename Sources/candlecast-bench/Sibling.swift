import Dispatch
import FoundationEssentials
import Operations
import Synchronization

/// An executable of the same build while it runs.
final class Sibling: Sendable {
  private struct State {
    var process: Int32?
    var lines: [String] = []
    var isStopped = false
    var hasEnded = false
  }

  private let state = Mutex(State())
  private let ended = DispatchSemaphore(value: 0)

  init(_ name: String, _ arguments: [String], _ environment: [String: String] = [:]) {
    let own = CommandLine.arguments[0]
    let folder = own.lastIndex(of: "/").map { String(own[..<$0]) } ?? "."
    let child = ChildProcess(
      executable: folder + "/" + name, arguments: arguments,
      environment: ProcessInfo.processInfo.environment.merging(environment) { _, new in new })
    DispatchQueue.global().async { [self] in
      _ = try? child.run(
        onStart: { process in self.state.withLock { $0.process = process } },
        shouldStop: { self.state.withLock(\.isStopped) }
      ) { stream, line in
        if stream == .output { self.state.withLock { $0.lines.append(line) } }
      }
      state.withLock { $0.hasEnded = true }
      ended.signal()
    }
  }

  /// Its number, once it has started.
  var process: Int32? { state.withLock(\.process) }

  func firstLine() async throws -> String { try await line(startingWith: "") }

  /// The first line that starts so.
  func line(startingWith start: String) async throws -> String {
    while true {
      let (line, hasEnded) = state.withLock { ($0.lines.first { $0.hasPrefix(start) }, $0.hasEnded) }
      if let line { return line }
      precondition(!hasEnded, "a program ended without a line that starts with “\(start)”")
      try await Task.sleep(for: .milliseconds(10))
    }
  }

  func stop() {
    state.withLock { $0.isStopped = true }
    ended.wait()
  }
}
