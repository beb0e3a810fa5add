import Dispatch

/// What blocks waits on a thread of its own: Swift's own threads are few.
func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    DispatchQueue(label: "test").async { continuation.resume(with: Result { try body() }) }
  }
}
