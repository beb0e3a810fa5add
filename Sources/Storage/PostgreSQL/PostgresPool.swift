internal import Dispatch
internal import Synchronization

/// Up to so many connections to one database, lent to one borrower at a time.
package final class PostgresPool: Sendable {
  package let location: PostgresLocation
  package let limits: PostgresLimits
  private let isReadOnly: Bool
  private let notice: (@Sendable (String) -> Void)?
  private let room: DispatchSemaphore
  private let state = Mutex(State())

  private struct State {
    /// The one used last comes last.
    var idle: [PostgresConnection] = []
    var lent: [ObjectIdentifier: PostgresCanceller] = [:]
  }

  /// Opens no connection yet.
  package init(
    _ location: PostgresLocation, _ limits: PostgresLimits = PostgresLimits(), isReadOnly: Bool = false,
    notice: (@Sendable (String) -> Void)? = nil
  ) {
    (self.location, self.limits, self.isReadOnly, self.notice) = (location, limits, isReadOnly, notice)
    room = DispatchSemaphore(value: limits.connections)
  }

  /// Lends a healthy connection; waits while all are in use, as long as a lock may take.
  ///
  /// One that is broken afterwards, or in the middle of something, is not lent again.
  package func withConnection<Value>(_ body: (PostgresConnection) throws -> Value) throws -> Value {
    guard room.wait(timeout: .now() + .seconds(limits.lockSeconds)) == .success else {
      throw StoreError.unavailable(
        path: location.description, reason: "all \(limits.connections) connections are in use for too long")
    }
    defer { room.signal() }
    let connection = try take()
    defer { giveBack(connection) }
    return try body(connection)
  }

  /// Ends what the lent connections are doing; from any thread.
  package func cancelRunning() {
    for canceller in state.withLock({ Array($0.lent.values) }) { canceller.cancel() }
  }

  private func take() throws(StoreError) -> PostgresConnection {
    while let known = state.withLock({ $0.idle.popLast() }) {
      if known.isHealthy { return lend(known) }
    }
    return lend(try PostgresConnection(location, limits, isReadOnly: isReadOnly, notice: notice))
  }

  private func lend(_ connection: PostgresConnection) -> PostgresConnection {
    state.withLock { $0.lent[ObjectIdentifier(connection)] = connection.canceller }
    return connection
  }

  private func giveBack(_ connection: PostgresConnection) {
    state.withLock { state in
      state.lent[ObjectIdentifier(connection)] = nil
      if connection.isIdle { state.idle.append(connection) }
    }
  }
}
