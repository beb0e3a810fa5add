import Ingestion
import Serving
import Storage
import Synchronization

/// The store of a feed for its server, which answers before the store is opened.
final class LateStore: StoreReading {
  private let writer = Mutex<LiveWriter?>(nil)

  func open(_ writer: LiveWriter?) { self.writer.withLock { $0 = writer } }

  func withStore<Value: Sendable>(_ body: @escaping @Sendable (any Store) throws -> Value) async throws -> Value {
    try await opened().withStore(body)
  }

  /// For what takes long: commits go on meanwhile.
  func withReader<Value: Sendable>(_ body: @escaping @Sendable (any Store) throws -> Value) async throws -> Value {
    try await opened().withReader(body)
  }

  private func opened() throws(APIFailure) -> LiveWriter {
    guard let writer = writer.withLock({ $0 }) else { throw .unavailable("the feed has not begun") }
    return writer
  }
}
