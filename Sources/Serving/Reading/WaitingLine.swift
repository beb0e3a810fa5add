internal import Synchronization

/// Lets one in at a time, in the order in which they came.
final class WaitingLine: Sendable {
  private struct State {
    /// Of the one that is in, and those that wait.
    var taken = 0
    var waiting: [CheckedContinuation<Bool, Never>] = []
  }

  private let places: Int
  private let state = Mutex(State())

  /// - Parameter places: for the one that is in and those that wait.
  init(places: Int) { self.places = places }

  /// Waits for its turn; whoever has had it leaves.
  ///
  /// - Returns: false, at once, if all places are taken.
  func enter() async -> Bool {
    await withCheckedContinuation { turn in
      let answer: Bool? = state.withLock { state in
        guard state.taken < places else { return false }
        state.taken += 1
        guard state.taken > 1 else { return true }
        state.waiting.append(turn)
        return nil
      }
      if let answer { turn.resume(returning: answer) }
    }
  }

  func leave() {
    let next = state.withLock { state in
      state.taken -= 1
      return state.waiting.isEmpty ? nil : state.waiting.removeFirst()
    }
    next?.resume(returning: true)
  }
}
