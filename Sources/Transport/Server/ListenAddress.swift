internal import Glibc

/// Where a server listens.
package enum ListenAddress {
  /// Finds out, and with a reason, whether an address can be listened on.
  package static func check(_ host: String, _ port: Int) throws(TransportError) { close(try bind(host, port)) }

  /// A socket that listens and does not block, and its port.
  static func listen(_ host: String, _ port: Int) throws(TransportError) -> (socket: Int32, port: Int) {
    let socket = try bind(host, port)
    // Those that it accepts inherit it: answers are written whole, and must not wait for each other.
    var on: Int32 = 1
    setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    guard Glibc.listen(socket, SOMAXCONN) == 0, let port = Self.port(of: socket) else {
      defer { close(socket) }
      throw failure(host, port)
    }
    return (socket, port)
  }

  private static func bind(_ host: String, _ port: Int) throws(TransportError) -> Int32 {
    guard (0...65_535).contains(port) else {
      throw .cannotListen(host: host, port: port, reason: "a port is between 0 and 65535")
    }
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, String(port), &hints, &list) == 0, let address = list?.pointee else {
      throw .cannotListen(host: host, port: port, reason: "not an IP address of this machine")
    }
    defer { freeaddrinfo(list) }
    let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let socket = Glibc.socket(address.ai_family, address.ai_socktype | flags, address.ai_protocol)
    var on: Int32 = 1
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    guard Glibc.bind(socket, address.ai_addr, address.ai_addrlen) == 0 else {
      defer { close(socket) }
      throw failure(host, port)
    }
    return socket
  }

  private static func failure(_ host: String, _ port: Int) -> TransportError {
    guard errno != EADDRINUSE else { return .portTaken(host: host, port: port) }
    return .cannotListen(host: host, port: port, reason: String(cString: strerror(errno)))
  }

  private static func port(of socket: Int32) -> Int? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let status = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
    }
    guard status == 0 else { return nil }
    // The port stands at the same place in both families.
    return withUnsafeBytes(of: &storage) { Int(in_port_t(bigEndian: $0.loadUnaligned(as: sockaddr_in.self).sin_port)) }
  }
}
