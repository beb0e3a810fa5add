import Ingestion
import Serving
import Storage
import Synchronization

/// The store of a feed for its server, which answers before the store is opened.
final class LateStore: StoreReading {
  private let writer = Mutex<LiveWriter?>(nil)

  func open(_ writer: LiveWriter?) { self.writer.withLock { $0 = writer } }

  func withStore<Value: Sendable>(_ body: @escaping @Sendable (any Store) throws -> Value) async throws -> Value {
    guard let writer = writer.withLock({ $0 }) else { throw APIFailure.unavailable("the feed has not begun") }
    return try await writer.withStore(body)
  }
}
