internal import Glibc

/// Holds `models/lock` against other processes until it goes out of scope.
struct RegistryLock: ~Copyable {
  private let descriptor: Int32

  /// Tries for two seconds: an operation takes milliseconds.
  init(_ path: String) throws(RegistryError) {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .file(DurableFile.failure("open", path)) }
    for attempt in 0..<Self.attempts {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
        self.descriptor = descriptor
        return
      }
      guard errno == EWOULDBLOCK || errno == EINTR else {
        let failure = DurableFile.failure("lock", path)
        close(descriptor)
        throw .file(failure)
      }
      if attempt + 1 < Self.attempts { usleep(20_000) }
    }
    close(descriptor)
    throw .locked(path: path)
  }

  private static let attempts = 100

  deinit { close(descriptor) }
}
