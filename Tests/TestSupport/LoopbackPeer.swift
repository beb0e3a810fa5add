package import Glibc

/// A blocking TCP connection on this machine, for what no decent program says. What takes longer than its patience is
/// given up.
package final class LoopbackPeer: Sendable {
  package struct Unreachable: Error, CustomStringConvertible {
    package let description: String
  }

  private let socket: Int32

  /// Takes over a connected socket.
  package init(accepted socket: Int32, patienceSeconds: Int = 20) {
    self.socket = socket
    var patience = timeval(tv_sec: patienceSeconds, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  package convenience init(port: Int, patienceSeconds: Int = 20) throws {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = Self.address(port)
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else {
      let reason = String(cString: strerror(errno))
      close(socket)
      throw Unreachable(description: "127.0.0.1:\(port): \(reason)")
    }
    self.init(accepted: socket, patienceSeconds: patienceSeconds)
  }

  deinit { close(socket) }

  package static func address(_ port: Int) -> sockaddr_in {
    sockaddr_in(
      sin_family: sa_family_t(AF_INET), sin_port: in_port_t(port).bigEndian,
      sin_addr: in_addr(s_addr: UInt32(0x7F00_0001).bigEndian), sin_zero: (0, 0, 0, 0, 0, 0, 0, 0))
  }

  // MARK: Writing

  /// False when the other side takes no more.
  @discardableResult
  package func write(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        send(socket, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }

  @discardableResult
  package func write(_ text: String) -> Bool { write(Array(text.utf8)) }

  /// Nothing more will be written.
  package func endWriting() { shutdown(socket, Int32(SHUT_WR)) }

  // MARK: Reading

  /// What is there, at most `limit` bytes; empty at the end.
  package func readSome(_ limit: Int = 1 << 16) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      count = max(0, recv(socket, buffer.baseAddress, limit, 0))
    }
  }

  /// Fewer at the end.
  package func read(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let more = readSome(count - bytes.count)
      if more.isEmpty { break }
      bytes += more
    }
    return bytes
  }

  package func readToEnd() -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let more = readSome()
      if more.isEmpty { return bytes }
      bytes += more
    }
  }

  /// What comes until the other side closes, at most about `limit` bytes; `nil` if it does not close.
  package func readUntilClosed(limit: Int = 1 << 20) -> [UInt8]? {
    var (all, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 14))
    while all.count < limit {
      let count = recv(socket, &buffer, buffer.count, 0)
      if count == 0 || count < 0 && errno == ECONNRESET { return all }
      guard count > 0 else { return nil }
      all += buffer[..<count]
    }
    return all
  }

  /// Up to and with `end`, or up to the end.
  package func read(through end: String) -> String {
    var bytes: [UInt8] = []
    while !bytes.suffix(end.utf8.count).elementsEqual(end.utf8) {
      let more = readSome(1)
      if more.isEmpty { break }
      bytes += more
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Of HTTP, with its empty line.
  package func readHead() -> String { read(through: "\r\n\r\n") }
}
