import Glibc
import Platform

@testable import Transport

/// A blocking TCP connection for what no decent client says. Reads give up after five seconds.
final class RawPeer: Sendable {
  private let socket: Int32

  /// Takes over a connected socket.
  init(accepted socket: Int32) {
    self.socket = socket
    var patience = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  convenience init(port: Int) {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = Self.loopback(port)
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    precondition(status == 0, "nobody listens on \(port)")
    self.init(accepted: socket)
  }

  deinit { close(socket) }

  static func loopback(_ port: Int) -> sockaddr_in {
    sockaddr_in(
      sin_family: sa_family_t(AF_INET), sin_port: in_port_t(port).bigEndian,
      sin_addr: in_addr(s_addr: UInt32(0x7F00_0001).bigEndian), sin_zero: (0, 0, 0, 0, 0, 0, 0, 0))
  }

  @discardableResult
  func write(_ bytes: [UInt8]) -> Bool {
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
  func write(_ text: String) -> Bool { write(Array(text.utf8)) }

  /// What is there, at most `limit` bytes; empty at the end.
  func readSome(_ limit: Int = 1 << 16) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      count = max(0, recv(socket, buffer.baseAddress, limit, 0))
    }
  }

  func read(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let more = readSome(count - bytes.count)
      if more.isEmpty { break }
      bytes += more
    }
    return bytes
  }

  func readToEnd() -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let more = readSome()
      if more.isEmpty { return bytes }
      bytes += more
    }
  }

  /// Up to and with the empty line.
  func readHead() -> String {
    var bytes: [UInt8] = []
    while !bytes.suffix(4).elementsEqual([13, 10, 13, 10]) {
      let more = readSome(1)
      if more.isEmpty { break }
      bytes += more
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  func endWriting() { shutdown(socket, Int32(SHUT_WR)) }

  /// Opens a WebSocket on a server and returns the head of its answer.
  func upgrade(_ path: String = "/", more: String = "") -> String {
    write(
      "GET \(path) HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\(more)\r\n")
    return readHead()
  }

  func write(_ opcode: Frame.Opcode, _ payload: [UInt8], mask: UInt32? = 0x1234_5678) {
    var frame: [UInt8] = []
    Frame.write(opcode, payload, mask: mask, to: &frame)
    write(frame)
  }

  /// An unmasked short frame: opcode and payload.
  func readFrame() -> (opcode: UInt8, payload: [UInt8])? {
    let header = read(2)
    guard header.count == 2, header[1] < 126 else { return nil }
    return (header[0] & 15, read(Int(header[1])))
  }

  /// The code of the next frame, which must be a close frame.
  func readCloseCode() -> Int? {
    guard let frame = readFrame(), frame.opcode == 8, frame.payload.count >= 2 else { return nil }
    return Int(frame.payload[0]) << 8 | Int(frame.payload[1])
  }
}

/// A server that does what a test tells it, one thread a connection.
final class RawServer: Sendable {
  let port: Int
  private let socket: Int32

  init(_ serve: @escaping @Sendable (RawPeer) -> Void) throws {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = RawPeer.loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        _ = bind(socket, address, length)
        _ = getsockname(socket, address, &length)
      }
    }
    listen(socket, 128)
    (self.socket, port) = (socket, Int(in_port_t(bigEndian: address.sin_port)))
    try DedicatedThread.start {
      while true {
        let accepted = accept(socket, nil, nil)
        guard accepted >= 0 else { return }
        try? DedicatedThread.start { serve(RawPeer(accepted: accepted)) }
      }
    }
  }

  deinit {
    shutdown(socket, Int32(SHUT_RDWR))
    close(socket)
  }

  /// Answers the upgrade as RFC 6455 wants it, then does the rest.
  static func webSocket(_ serve: @escaping @Sendable (RawPeer) -> Void) throws -> RawServer {
    try RawServer { peer in
      let key = peer.readHead().split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Key: ") }
      let accept = Handshake.accept(String(key?.dropFirst(19) ?? ""))
      peer.write(
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: \(accept)\r\n\r\n")
      serve(peer)
    }
  }
}
