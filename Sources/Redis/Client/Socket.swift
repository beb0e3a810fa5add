internal import Glibc

/// A TCP connection that never blocks; closed at its end.
final class Socket {
  enum Transfer: Equatable {
    case bytes(Int)
    case notNow
    case ended(String)
  }

  let descriptor: Int32

  /// Begins to connect.
  init(to target: Target) throws(Failure) {
    let descriptor = socket(target.family, Int32(SOCK_STREAM.rawValue) | O_NONBLOCK | O_CLOEXEC, Int32(IPPROTO_TCP))
    guard descriptor >= 0 else { throw Failure(errno) }
    var yes: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, size)
    setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &yes, size)
    let status = target.bytes.withUnsafeBytes {
      connect(descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    guard status == 0 || errno == EINPROGRESS else {
      let code = errno
      close(descriptor)
      throw Failure(code)
    }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// After it became writable for the first time.
  func finishConnecting() throws(Failure) {
    var code: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else { throw Failure(errno) }
    guard code == 0 else { throw Failure(code) }
  }

  func send(_ bytes: UnsafeRawBufferPointer) -> Transfer {
    transferred(Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)))
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
    let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
    return count == 0 ? .ended("the server closed it") : transferred(count)
  }

  private func transferred(_ count: Int) -> Transfer {
    if count >= 0 { return .bytes(count) }
    let code = errno
    return code == EAGAIN || code == EWOULDBLOCK || code == EINTR ? .notNow : .ended(Failure(code).reason)
  }

  struct Failure: Error, Equatable {
    let reason: String

    init(_ code: Int32) { reason = String(cString: strerror(code)) }
    init(reason: String) { self.reason = reason }
  }

  /// An address of the system's own form.
  struct Target {
    let family: Int32
    let bytes: [UInt8]

    /// All addresses of a host in the order in which they should be tried. It may take as long as the DNS does.
    static func all(host: String, port: UInt16) throws(Failure) -> [Target] {
      var hints = addrinfo()
      hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
      hints.ai_flags = AI_NUMERICSERV
      var list: UnsafeMutablePointer<addrinfo>?
      let status = getaddrinfo(host, String(port), &hints, &list)
      guard status == 0 else { throw Failure(reason: String(cString: gai_strerror(status))) }
      defer { freeaddrinfo(list) }
      var targets: [Target] = []
      var next = list
      while let entry = next?.pointee {
        let bytes = UnsafeRawBufferPointer(start: entry.ai_addr, count: Int(entry.ai_addrlen))
        targets.append(Target(family: entry.ai_family, bytes: Array(bytes)))
        next = entry.ai_next
      }
      return targets
    }
  }
}
