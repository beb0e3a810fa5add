internal import Glibc

/// A thread for work that blocks where Swift's own threads must not. It ends alone, and a peer that has gone away is an
/// error to it and no signal, also where a library writes.
package enum DedicatedThread {
  package struct CannotStart: Error, CustomStringConvertible {
    package let description: String
  }

  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  package static func start(_ body: @escaping @Sendable () -> Void) throws(CannotStart) {
    let work = Unmanaged.passRetained(Work(body))
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { pointer in
        guard let pointer else { return nil }
        DedicatedThread.blockBrokenPipes()
        Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().body()
        return nil
      }, work.toOpaque())
    guard status == 0 else {
      work.release()
      throw CannotStart(description: "no thread: " + String(cString: strerror(status)))
    }
    pthread_detach(thread)
  }

  /// What `body` returns or throws, when it has done so on a thread of its own.
  package static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      do {
        try start { continuation.resume(with: Result { try body() }) }
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }

  private static func blockBrokenPipes() {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }
}
