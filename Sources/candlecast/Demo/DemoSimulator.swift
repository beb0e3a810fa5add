import Dispatch
import FoundationEssentials
import Market
import Operations
import Platform
import Synchronization

/// `candlecast simulate` as a process of its own, which ends with this one.
final class DemoSimulator: Sendable {
  /// What it says of itself before it plays.
  struct Announcement: Decodable, Sendable {
    let port: Int
    let speed: Double
    let start: Timestamp
    let end: Timestamp
    /// Addresses by the names of variables.
    let endpoints: [String: String]
  }

  enum Ending: Sendable {
    /// It has played everything.
    case whole
    case early(reason: String)
  }

  private struct State {
    var announcement: Announcement?
    var announcedSeconds = 0.0
    var lastError = ""
    var isStopping = false
    var ending: Ending?
  }

  /// How much of the data may be left when it ends: its clock began before it was heard of.
  private static let slackSeconds = 3.0

  private let state = Mutex(State())
  private let isAnnounced = DispatchSemaphore(value: 0)
  private let hasEnded = DispatchSemaphore(value: 0)

  /// Returns when it can be reached.
  init(_ child: ChildProcess) throws {
    var child = child
    child.endsWithUs = true
    // The thread that starts a child that ends with us must live as long as the child.
    try DedicatedThread.start { [child] in self.run(child) }
    isAnnounced.wait()
    if case .early(let reason)? = ending { throw CommandError(.failed, "the simulator does not start: \(reason)") }
  }

  /// `nil` while it plays.
  var ending: Ending? { state.withLock { $0.ending } }

  var announcement: Announcement? { state.withLock { $0.announcement } }

  /// Returns when it has ended.
  func stop() {
    state.withLock { $0.isStopping = true }
    hasEnded.wait()
  }

  private func run(_ child: ChildProcess) {
    let result = Result {
      try child.run(shouldStop: { self.state.withLock { $0.isStopping } }) { self.hear($1, from: $0) }
    }
    state.withLock { $0.ending = Self.ending(result, $0) }
    isAnnounced.signal()
    hasEnded.signal()
  }

  private func hear(_ line: String, from stream: ChildProcess.Stream) {
    guard stream == .output else { return state.withLock { $0.lastError = line } }
    let isNew = state.withLock { state in
      guard state.announcement == nil,
        let announcement = try? JSONDecoder().decode(Announcement.self, from: Data(line.utf8))
      else { return false }
      (state.announcement, state.announcedSeconds) = (announcement, SystemClock.seconds())
      return true
    }
    if isNew { isAnnounced.signal() }
  }

  private static func ending(_ result: Result<ChildProcess.Outcome, any Error>, _ state: State) -> Ending {
    let reason: String
    switch result {
    case .failure(let error): reason = "\(error)"
    case .success(let outcome):
      switch outcome.ending {
      case .killed(let signal): reason = "ended by signal \(signal)"
      case .exited(0) where isWhole(state): return .whole
      case .exited(let code): reason = "exit code \(code)"
      }
    }
    return .early(reason: [reason, state.lastError].filter { !$0.isEmpty }.joined(separator: ": "))
  }

  private static func isWhole(_ state: State) -> Bool {
    guard let announcement = state.announcement else { return false }
    let data = Double(announcement.end.microseconds - announcement.start.microseconds) / 1e6 / announcement.speed
    return SystemClock.seconds() - state.announcedSeconds >= data - slackSeconds
  }
}
