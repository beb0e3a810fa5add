internal import CEpoll
internal import Glibc

/// Waits for many sockets at once. The kernel keeps the list, so that a look at it costs as much as there is ready, not
/// as much as there is open.
package final class SocketPoll {
  package struct Interest: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let reading = Interest(rawValue: 1)
    package static let writing = Interest(rawValue: 2)
    /// Told without being asked for: the connection is over in both directions, or broke.
    package static let breaking = Interest(rawValue: 4)
  }

  private static let mostAtOnce = 256

  private let descriptor: Int32
  private let events: UnsafeMutablePointer<epoll_event>

  package init() throws(TransportError) {
    descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard descriptor >= 0 else { throw .cannotStart(reason: "no epoll: " + String(cString: strerror(errno))) }
    events = .allocate(capacity: Self.mostAtOnce)
  }

  deinit {
    close(descriptor)
    events.deallocate()
  }

  /// - Parameter tag: what `wait` tells when the socket is ready.
  package func add(_ socket: Int32, _ interest: Interest, tag: UInt) { control(EPOLL_CTL_ADD, socket, interest, tag) }
  package func change(_ socket: Int32, _ interest: Interest, tag: UInt) {
    control(EPOLL_CTL_MOD, socket, interest, tag)
  }
  package func remove(_ socket: Int32) { control(EPOLL_CTL_DEL, socket, [], 0) }

  private func control(_ operation: Int32, _ socket: Int32, _ interest: Interest, _ tag: UInt) {
    var event = epoll_event()
    if interest.contains(.reading) { event.events |= EPOLLIN.rawValue }
    if interest.contains(.writing) { event.events |= EPOLLOUT.rawValue }
    event.data.u64 = UInt64(tag)
    epoll_ctl(descriptor, operation, socket, &event)
  }

  /// Waits until something is ready, at most so long. Returns how many are.
  package func wait(milliseconds: Int) -> Int {
    max(0, Int(epoll_wait(descriptor, events, Int32(Self.mostAtOnce), Int32(clamping: milliseconds))))
  }

  /// What the last wait found.
  package func ready(_ index: Int) -> (tag: UInt, ready: Interest) {
    let event = events[index]
    var ready: Interest = []
    if event.events & EPOLLIN.rawValue != 0 { ready.insert(.reading) }
    if event.events & EPOLLOUT.rawValue != 0 { ready.insert(.writing) }
    if event.events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { ready.insert(.breaking) }
    return (UInt(event.data.u64), ready)
  }
}

/// Ends another thread's wait: a descriptor that is ready for reading once it was rung.
struct Bell: Sendable {
  let descriptor: Int32

  init() throws(TransportError) {
    descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    guard descriptor >= 0 else { throw .cannotStart(reason: "no eventfd: " + String(cString: strerror(errno))) }
  }

  func ring() { eventfd_write(descriptor, 1) }

  func silence() {
    var rung: eventfd_t = 0
    eventfd_read(descriptor, &rung)
  }

  func discard() { close(descriptor) }
}
