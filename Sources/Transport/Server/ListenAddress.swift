import Glibc

/// Finds out before libwebsockets does, and with a reason, whether an address can be listened on.
package enum ListenAddress {
  package static func check(_ host: String, _ port: Int) throws(TransportError) {
    guard (0...65_535).contains(port) else {
      throw .cannotListen(host: host, port: port, reason: "a port is between 0 and 65535")
    }
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, String(port), &hints, &list) == 0, let address = list else {
      throw .cannotListen(host: host, port: port, reason: "not an IP address of this machine")
    }
    defer { freeaddrinfo(list) }
    let probe = socket(address.pointee.ai_family, address.pointee.ai_socktype, address.pointee.ai_protocol)
    defer { close(probe) }
    var on: Int32 = 1
    setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    guard bind(probe, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0 else {
      guard errno != EADDRINUSE else { throw .portTaken(host: host, port: port) }
      throw .cannotListen(host: host, port: port, reason: String(cString: strerror(errno)))
    }
  }
}
