import Synchronization

/// The way back for one request's answer. One that is dropped unanswered answers 500.
package final class ServerReply: Sendable {
  private let connection: ServerConnection
  private let core: ServerCore
  private let isSent = Atomic(false)

  init(_ connection: ServerConnection, _ core: ServerCore) { (self.connection, self.core) = (connection, core) }

  deinit {
    if !isSent.load(ordering: .acquiring) {
      core.post(.answerNothing(connection))
    }
  }

  /// The first call counts.
  package func send(_ response: ServerResponse) {
    guard !isSent.exchange(true, ordering: .acquiringAndReleasing) else { return }
    core.post(.answer(connection, response))
  }
}
