internal import Glibc

/// Wakes one waiting thread; a ring that nobody waits for is kept.
///
/// `@unchecked` because it holds a pointer; the semaphore behind it is made for use by several threads.
final class Bell: @unchecked Sendable {
  private let semaphore: UnsafeMutablePointer<sem_t>

  init() {
    semaphore = .allocate(capacity: 1)
    sem_init(semaphore, 0, 0)
  }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  func ring() { sem_post(semaphore) }

  /// - Parameter seconds: `nil` waits for ever.
  func wait(seconds: Double?) {
    guard let seconds else {
      while sem_wait(semaphore) != 0, errno == EINTR {}
      return
    }
    var until = timespec()
    clock_gettime(CLOCK_REALTIME, &until)
    let nanoseconds = Int64(until.tv_nsec) + Int64(seconds * 1e9)
    until.tv_sec += Int(nanoseconds / 1_000_000_000)
    until.tv_nsec = Int(nanoseconds % 1_000_000_000)
    while sem_timedwait(semaphore, &until) != 0, errno == EINTR {}
  }
}
