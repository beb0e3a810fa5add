package import Storage

/// The store of a running process, read between its writes.
package protocol StoreReading: Sendable {
  func withStore<Value: Sendable>(_ body: @escaping @Sendable (any Store) throws -> Value) async throws -> Value
}

extension StoreReading {
  /// What goes wrong in the store is not the asker's doing, and no path of this machine is told.
  package func read<Value: Sendable>(
    _ body: @escaping @Sendable (any Store) throws -> Value
  ) async throws(APIFailure) -> Value {
    do {
      return try await withStore(body)
    } catch let failure as APIFailure {
      throw failure
    } catch {
      throw .unavailable("the store cannot be read now; the log says why")
    }
  }
}
