internal import Synchronization

/// A bounded queue between many tasks that put in and one that takes out; who puts into a full one waits.
package final class Inbox<Element: Sendable>: Sendable {
  private struct State {
    var waiting: [Element] = []
    var reader: CheckedContinuation<[Element], Never>?
    var writers: [CheckedContinuation<Void, Never>] = []
    var isClosed = false
    var waits = 0
  }

  private let state = Mutex(State())
  private let capacity: Int

  package init(capacity: Int) { self.capacity = capacity }

  /// How often somebody had to wait because the queue was full.
  package var waits: Int { state.withLock { $0.waits } }

  package var count: Int { state.withLock { $0.waiting.count } }

  /// What is put into a closed one is dropped.
  package func put(_ element: Element) async {
    guard !offer(element) else { return }
    await withCheckedContinuation { continuation in
      let goesOn = state.withLock { state in
        guard !state.isClosed, state.waiting.count > capacity else { return true }
        state.waits += 1
        state.writers.append(continuation)
        return false
      }
      if goesOn { continuation.resume() }
    }
  }

  /// Puts in and returns whether there was room; the element is taken either way.
  private func offer(_ element: Element) -> Bool {
    let (reader, elements, hasRoom) = state.withLock {
      state -> (CheckedContinuation<[Element], Never>?, [Element], Bool) in
      guard !state.isClosed else { return (nil, [], true) }
      state.waiting.append(element)
      guard let reader = state.reader else { return (nil, [], state.waiting.count <= capacity) }
      state.reader = nil
      defer { state.waiting.removeAll(keepingCapacity: true) }
      return (reader, state.waiting, true)
    }
    reader?.resume(returning: elements)
    return hasRoom
  }

  /// All that waits, at least one element; empty only when the inbox was closed.
  package func take() async -> [Element] {
    await withCheckedContinuation { continuation in
      let (elements, writers) = state.withLock { state -> ([Element]?, [CheckedContinuation<Void, Never>]) in
        guard state.waiting.isEmpty, !state.isClosed else {
          defer {
            state.waiting.removeAll(keepingCapacity: true)
            state.writers.removeAll()
          }
          return (state.waiting, state.writers)
        }
        state.reader = continuation
        return (nil, [])
      }
      for writer in writers { writer.resume() }
      if let elements { continuation.resume(returning: elements) }
    }
  }

  package func close() {
    let (reader, writers) = state.withLock {
      state -> (CheckedContinuation<[Element], Never>?, [CheckedContinuation<Void, Never>]) in
      state.isClosed = true
      defer {
        state.reader = nil
        state.writers.removeAll()
      }
      return (state.reader, state.writers)
    }
    reader?.resume(returning: [])
    for writer in writers { writer.resume() }
  }
}
