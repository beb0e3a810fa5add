import Ingestion
import Operations
import Serving
import Storage
import Synchronization

/// The store of a feed for its server, which answers before the store is opened. Who asks is not told why the store
/// cannot be read; the log is.
final class LateStore: StoreReading {
  private let writer = Mutex<LiveWriter?>(nil)
  private let log: Log

  init(_ log: Log) { self.log = log }

  func open(_ writer: LiveWriter?) { self.writer.withLock { $0 = writer } }

  func withStore<Value: Sendable>(_ body: @escaping @Sendable (any Store) throws -> Value) async throws -> Value {
    try await logged { try await $0.withStore(body) }
  }

  /// For what takes long: commits go on meanwhile.
  func withReader<Value: Sendable>(_ body: @escaping @Sendable (any Store) throws -> Value) async throws -> Value {
    try await logged { try await $0.withReader(body) }
  }

  /// Returns when what was told so far is stored.
  func flush() async throws { try await logged { try await $0.flush() } }

  private func logged<Value>(_ read: (LiveWriter) async throws -> Value) async throws -> Value {
    guard let writer = writer.withLock({ $0 }) else { throw APIFailure.unavailable("the feed has not begun") }
    do {
      return try await read(writer)
    } catch let failure as APIFailure {
      throw failure
    } catch {
      log.write(.error, "store", "what was asked for by HTTP cannot be read: \(error)")
      throw error
    }
  }
}
