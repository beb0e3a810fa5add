import Glibc
import Platform
import TestSupport

@testable import Transport

/// A server that does what a test tells it, one thread a connection.
final class RawServer: Sendable {
  let port: Int
  private let socket: Int32

  init(_ serve: @escaping @Sendable (LoopbackPeer) -> Void) throws {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = LoopbackPeer.address(0)
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
        if accepted < 0, errno == EINVAL { break }
        guard accepted >= 0 else { continue }
        try? DedicatedThread.start { serve(LoopbackPeer(accepted: accepted)) }
      }
      // Not before: another socket would have its number while it is still asked here.
      close(socket)
    }
  }

  deinit { shutdown(socket, Int32(SHUT_RDWR)) }

  /// Answers the upgrade as RFC 6455 wants it, then does the rest.
  static func webSocket(_ serve: @escaping @Sendable (LoopbackPeer) -> Void) throws -> RawServer {
    try RawServer { peer in
      let key = peer.readHead().split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Key: ") }
      let accept = Handshake.accept(String(key?.dropFirst(19) ?? ""))
      peer.write(
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: \(accept)\r\n\r\n")
      serve(peer)
    }
  }
}

extension LoopbackPeer {
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
