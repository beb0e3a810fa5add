import Market
import Serving
import Storage
import Synchronization
import TestSupport

/// A store in a temporary folder that a server may read, one reader at a time.
final class SharedStore: StoreReading {
  private struct Contents: ~Copyable, @unchecked Sendable {
    // One thread at a time: the mutex around it.
    let store: any Store
  }

  private let contents: Mutex<Contents>
  private let folder: TemporaryFolder

  /// - Parameter fill: puts into it what the test is about.
  init(_ fill: (any Store) throws -> Void) throws {
    folder = try TemporaryFolder()
    let store = try DuckDBStore(path: folder.file("store.duckdb"))
    try fill(store)
    contents = Mutex(Contents(store: store))
  }

  func withStore<Value: Sendable>(_ body: @escaping @Sendable (any Store) throws -> Value) async throws -> Value {
    try contents.withLock { try body($0.store) }
  }
}

/// A store that nothing can be read from.
struct BrokenStore: StoreReading {
  struct Broken: Error {}

  func withStore<Value: Sendable>(_ body: @escaping @Sendable (any Store) throws -> Value) async throws -> Value {
    throw Broken()
  }
}
