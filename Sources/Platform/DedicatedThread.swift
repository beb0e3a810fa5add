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

  private static func blockBrokenPipes() {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }
}
