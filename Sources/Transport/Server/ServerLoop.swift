internal import CEpoll
internal import Glibc

/// What a service thread waits for.
///
/// `@unchecked Sendable`: made by one thread and used by the service thread; others may ring the bell.
final class ServerLoop: @unchecked Sendable {
  static let listenerTag: UInt = 0
  static let bellTag: UInt = 1
  private static let mostAcceptedAtOnce = 64

  let poll: SocketPoll
  let bell: Bell
  let tls: ServerTLS?
  private var listener: Int32
  private var isListening = true

  init(_ listener: Int32, _ tls: ServerTLS?) throws(TransportError) {
    (poll, bell, self.listener, self.tls) = (try SocketPoll(), try Bell(), listener, tls)
    poll.add(listener, .reading, tag: Self.listenerTag)
    poll.add(bell.descriptor, .reading, tag: Self.bellTag)
  }

  func accept(_ adopt: (_ socket: Int32, _ client: ClientAddress?) -> Void) {
    for _ in 0..<Self.mostAcceptedAtOnce {
      var address = sockaddr_storage()
      var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
      let socket = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          accept4(listener, $0, &length, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
        }
      }
      guard socket >= 0 else { return pause(after: errno) }
      adopt(socket, ClientAddress(address))
    }
  }

  /// Without descriptors or memory left, the listener would be ready all the time; it is asked again later.
  private func pause(after error: Int32) {
    guard [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error) else { return }
    isListening = false
    poll.change(listener, [], tag: Self.listenerTag)
  }

  func listenAgain() {
    guard !isListening, listener >= 0 else { return }
    isListening = true
    poll.change(listener, .reading, tag: Self.listenerTag)
  }

  func stopListening() {
    guard listener >= 0 else { return }
    poll.remove(listener)
    close(listener)
    listener = -1
  }

  /// Nobody rings any more.
  func end() {
    stopListening()
    bell.discard()
  }
}
