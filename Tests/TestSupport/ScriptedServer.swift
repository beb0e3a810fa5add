import Glibc
import Synchronization

/// A server on loopback that says what a test tells it to, byte by byte, for what no real server would say.
package final class ScriptedServer: Sendable {
  package let port: UInt16
  private let listener: Int32

  /// - Parameter answer: called with each chunk a client sends; what it returns is sent back, `nil` closes.
  package init(_ answer: @escaping @Sendable ([UInt8]) -> [UInt8]?) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in(
      sin_family: sa_family_t(AF_INET), sin_port: 0, sin_addr: in_addr(s_addr: UInt32(0x7F00_0001).bigEndian),
      sin_zero: (0, 0, 0, 0, 0, 0, 0, 0))
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = bind(listener, $0, size)
        getsockname(listener, $0, &size)
      }
    }
    listen(listener, 16)
    (self.listener, port) = (listener, UInt16(bigEndian: address.sin_port))
    Self.thread {
      while true {
        let client = accept(listener, nil, nil)
        guard client >= 0 else { return }
        Self.thread { Self.serve(client, answer) }
      }
    }
  }

  deinit { shutdown(listener, Int32(SHUT_RDWR)) }

  private static func serve(_ client: Int32, _ answer: ([UInt8]) -> [UInt8]?) {
    defer { close(client) }
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = recv(client, &chunk, chunk.count, 0)
      guard count > 0, let reply = answer(Array(chunk.prefix(count))) else { return }
      var sent = 0
      while sent < reply.count {
        let more = reply.withUnsafeBytes {
          send(client, $0.baseAddress?.advanced(by: sent), reply.count - sent, Int32(MSG_NOSIGNAL))
        }
        guard more > 0 else { return }
        sent += more
      }
    }
  }

  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  private static func thread(_ run: @escaping @Sendable () -> Void) {
    var handle = pthread_t()
    pthread_create(
      &handle, nil,
      { context in
        if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
        return nil
      }, Unmanaged.passRetained(Body(run)).toOpaque())
    pthread_detach(handle)
  }
}
