internal import Glibc

/// Holds `models/lock` against other processes until it goes out of scope.
struct RegistryLock: ~Copyable {
  private let descriptor: Int32

  init(_ path: String, patienceMilliseconds: Int) throws(RegistryError) {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .file(DurableFile.failure("open", path)) }
    let attempts = 1 + patienceMilliseconds / Self.pauseMilliseconds
    for attempt in 1...attempts {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
        self.descriptor = descriptor
        return
      }
      guard errno == EWOULDBLOCK || errno == EINTR else {
        let failure = DurableFile.failure("lock", path)
        close(descriptor)
        throw .file(failure)
      }
      if attempt < attempts { usleep(UInt32(Self.pauseMilliseconds) * 1000) }
    }
    close(descriptor)
    throw .locked(path: path)
  }

  private static let pauseMilliseconds = 10

  deinit { close(descriptor) }
}
