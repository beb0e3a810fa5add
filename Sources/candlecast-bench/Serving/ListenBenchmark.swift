import Glibc
import Operations
import Platform

/// Many clients of one WebSocket server: `candlecast-bench listen PORT CLIENTS SECONDS all|spread`.
///
/// One thread reads them all. A message's latency is from before it was made JSON to when its last byte was read here.
enum ListenBenchmark {
  static let word = "listen"

  static func run(port: Int, clients: Int, seconds: Int, isSpread: Bool) {
    ServeBenchmark.raiseFileLimit()
    var listeners = Listeners()
    for number in 0..<clients {
      let symbol = isSpread ? "S\(number % ServeBenchmark.groups)" : "ALL"
      guard listeners.connect(port, "/ws?topics=predictions&symbols=\(symbol)") else {
        return Terminal.error.write("client \(number) cannot connect: \(String(cString: strerror(errno)))\n")
      }
    }
    listeners.read(until: SystemClock.monotonicNanoseconds() + 2_500_000_000)
    listeners.forget()
    listeners.read(until: SystemClock.monotonicNanoseconds() + Int64(seconds) * 1_000_000_000)
    let sorted = listeners.latencies.sorted()
    guard !sorted.isEmpty else { return Terminal.error.write("nothing came\n") }
    func quantile(_ share: Double) -> Double { Double(sorted[Int(Double(sorted.count - 1) * share)]) / 1e6 }
    let result: JSONValue = [
      "name": .text("serving.websocket_\(isSpread ? "spread" : "at_once")_\(clients)"), "unit": "ms",
      "n": JSONValue(sorted.count), "p50": JSONValue(quantile(0.5)), "p99": JSONValue(quantile(0.99)),
      "max": JSONValue(quantile(1)), "closed": JSONValue(listeners.closed),
    ]
    Terminal.output.write(result.description + "\n")
  }
}

/// Sockets that only read.
private struct Listeners {
  private let poll = epoll_create1(0)
  /// Of each socket what came and is not a whole frame yet.
  private var rests: [Int32: [UInt8]] = [:]
  private(set) var latencies: [Int64] = []
  private(set) var closed = 0

  mutating func forget() { latencies.removeAll(keepingCapacity: true) }

  mutating func connect(_ port: Int, _ target: String) -> Bool {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port)).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else { return false }
    let request = Array(
      ("GET \(target) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").utf8)
    guard send(socket, request, request.count, 0) == request.count else { return false }
    guard skipHead(socket) else { return false }
    var event = epoll_event()
    event.events = EPOLLIN.rawValue
    event.data.fd = socket
    epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event)
    rests[socket] = []
    return true
  }

  /// Byte by byte, so that nothing of a frame is taken.
  private func skipHead(_ socket: Int32) -> Bool {
    var (tail, byte): (UInt32, UInt8) = (0, 0)
    while tail != 0x0D0A_0D0A {
      guard recv(socket, &byte, 1, 0) == 1 else { return false }
      tail = tail << 8 | UInt32(byte)
    }
    return true
  }

  mutating func read(until end: Int64) {
    var events = [epoll_event](repeating: epoll_event(), count: 1024)
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while SystemClock.monotonicNanoseconds() < end {
      let count = epoll_wait(poll, &events, Int32(events.count), 50)
      for index in 0..<max(0, Int(count)) {
        let socket = events[index].data.fd
        let length = recv(socket, &buffer, buffer.count, 0)
        guard length > 0 else {
          closed += 1
          rests[socket] = nil
          close(socket)
          continue
        }
        take(socket, buffer[..<length])
      }
    }
  }

  private mutating func take(_ socket: Int32, _ bytes: ArraySlice<UInt8>) {
    let now = SystemClock.monotonicNanoseconds()
    var rest = rests[socket] ?? []
    rest += bytes
    var start = 0
    while rest.count - start >= 4 {
      var (length, head) = (Int(rest[start + 1] & 127), 2)
      if length == 126 { (length, head) = (Int(rest[start + 2]) << 8 | Int(rest[start + 3]), 4) }
      guard rest.count - start >= head + length else { break }
      if let sent = sent(rest[(start + head)..<(start + head + length)]) { latencies.append(now - sent) }
      start += head + length
    }
    rests[socket] = Array(rest[start...])
  }

  private static let mark = Array(#""sent":"#.utf8)

  private func sent(_ message: ArraySlice<UInt8>) -> Int64? {
    guard let place = message.firstRange(of: Self.mark) else { return nil }
    return message[place.upperBound...].prefix { $0 &- 48 < 10 }.reduce(0) { $0 * 10 + Int64($1 &- 48) }
  }
}
