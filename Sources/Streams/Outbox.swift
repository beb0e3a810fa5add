internal import Synchronization

/// What publishers have handed over and the stream still holds, and those who wait for a change of it.
final class Outbox<Held: Sendable>: Sendable {
  private struct State {
    var held: Held
    var isClosed = false
  }

  let changes = ChangeSignal()
  private let stream: String
  private let tally: Tally
  private let state: Mutex<State>

  init(_ held: Held, stream: String, tally: Tally) {
    (self.stream, self.tally) = (stream, tally)
    state = Mutex(State(held: held))
  }

  var isClosed: Bool { state.withLock(\.isClosed) }

  func withLock<Value: Sendable>(_ body: (inout Held) -> Value) -> Value { state.withLock { body(&$0.held) } }

  /// Waits for room where there is none.
  ///
  /// - Parameter append: takes the first of what it is given, as many as there is room for, and says how many.
  func publish<Item>(
    _ items: [Item], append: (inout Held, ArraySlice<Item>) -> Int
  ) async throws(StreamError) {
    var rest = items[...]
    while !rest.isEmpty {
      let version = changes.version
      let (taken, isClosed) = state.withLock { state in
        (state.isClosed ? 0 : append(&state.held, rest), state.isClosed)
      }
      if isClosed { throw .closed(stream: stream) }
      rest = rest.dropFirst(taken)
      guard taken > 0 else {
        try await wait(after: version)
        continue
      }
      tally.count { $0.published += UInt64(taken) }
      changes.ring()
    }
  }

  /// - Throws: `closed` if that comes first.
  func wait(until holds: (Held) -> Bool) async throws(StreamError) {
    while true {
      let version = changes.version
      let (isDone, isClosed) = state.withLock { (holds($0.held), $0.isClosed) }
      if isDone { return }
      if isClosed { throw .closed(stream: stream) }
      try await wait(after: version)
    }
  }

  func wait(after version: UInt64) async throws(StreamError) {
    await changes.wait(after: version)
    if Task.isCancelled { throw .cancelled(stream: stream) }
  }

  func close() {
    state.withLock { $0.isClosed = true }
    changes.ring()
  }
}
