import Glibc

/// A thread for a library's event loop, which may block where Swift's own threads must not.
struct ServiceThread {
  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  private let handle: pthread_t

  init(_ run: @escaping @Sendable () -> Void) throws(TransportError) {
    let body = Unmanaged.passRetained(Body(run))
    var handle = pthread_t()
    let status = pthread_create(
      &handle, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
        return nil
      }, body.toOpaque())
    guard status == 0 else {
      body.release()
      throw .cannotStart(reason: "no thread: " + String(cString: strerror(status)))
    }
    self.handle = handle
  }

  /// Waits for its end; once.
  func join() { pthread_join(handle, nil) }

  /// Lets it end alone; once.
  func detach() { pthread_detach(handle) }
}

enum SystemClock {
  /// Since some start, never set back.
  static func monotonicNanoseconds() -> Int64 { nanoseconds(CLOCK_MONOTONIC) }

  /// Since 1970.
  static func wallNanoseconds() -> Int64 { nanoseconds(CLOCK_REALTIME) }

  private static func nanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
