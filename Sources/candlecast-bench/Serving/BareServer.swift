import FoundationEssentials
import Glibc
import Platform
import Transport

/// What the kernel alone lets a server do: `candlecast-bench serve-bare FOLDER ANSWER_BYTES`.
///
/// One thread and one loop that looks at nothing but what it must. Every POST gets the same answer; who wants a
/// WebSocket gets one, and messages as long and at the same times as `ServeBenchmark` sends them.
struct BareServer {
  static let word = "serve-bare"

  private let poll: SocketPoll
  private let listener: Int32
  private let answer: [UInt8]
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)
  /// By what they listen to; the last group is `ALL`.
  private var listening = [[Int32]](repeating: [], count: ServeBenchmark.groups + 1)
  private var sequences = [Int](repeating: 0, count: ServeBenchmark.groups + 1)

  static func run(folder: String, answerBytes: Int) throws {
    ServeBenchmark.raiseFileLimit()
    var server = try BareServer(answerBytes: answerBytes)
    try Data("\(server.port)".utf8).write(to: URL(filePath: folder + "/bare-port"), options: .atomic)
    server.serve()
  }

  private init(answerBytes: Int) throws {
    poll = try SocketPoll()
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
    var on: Int32 = 1
    setsockopt(listener, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
    let body = String(repeating: " ", count: max(0, answerBytes))
    answer = Array("\(head)\(body.utf8.count)\r\n\r\n\(body)".utf8)
    var address = Self.loopback
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0, listen(listener, SOMAXCONN) == 0 else {
      throw TransportError.cannotListen(host: "127.0.0.1", port: 0, reason: String(cString: strerror(errno)))
    }
    poll.add(listener, .reading, tag: UInt(listener))
  }

  private static var loopback: sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    return address
  }

  private var port: UInt16 {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &length) }
    }
    return UInt16(bigEndian: address.sin_port)
  }

  private mutating func serve() {
    let start = SystemClock.monotonicNanoseconds()
    var tick: Int64 = 0
    while true {
      let due = start + tick * 1_000_000_000 / Int64(ServeBenchmark.groups)
      let now = SystemClock.monotonicNanoseconds()
      if due <= now {
        let group = Int(tick) % ServeBenchmark.groups
        tell(group)
        if group == 0 { tell(ServeBenchmark.groups) }
        tick += 1
      }
      for place in 0..<poll.wait(milliseconds: Int(max(0, due - now) / 1_000_000)) {
        let socket = Int32(poll.ready(place).tag)
        if socket == listener { accept() } else { read(socket) }
      }
    }
  }

  private func accept() {
    while case let socket = Glibc.accept(listener, nil, nil), socket >= 0 {
      _ = fcntl(socket, F_SETFL, O_NONBLOCK)
      poll.add(socket, .reading, tag: UInt(socket))
    }
  }

  private mutating func read(_ socket: Int32) {
    let count = recv(socket, &buffer, buffer.count, 0)
    guard count > 0 else {
      for group in listening.indices { listening[group].removeAll { $0 == socket } }
      close(socket)
      return
    }
    if buffer[0] == UInt8(ascii: "P") {
      send(socket, answer, answer.count, Int32(MSG_NOSIGNAL))
    } else {
      upgrade(socket, String(decoding: buffer[..<count], as: UTF8.self))
    }
  }

  private mutating func upgrade(_ socket: Int32, _ request: String) {
    guard let target = request.split(separator: " ").dropFirst().first,
      let symbol = target.split(separator: "=").last
    else { return }
    let welcome = Array("HTTP/1.1 101 Switching Protocols\r\n\r\n".utf8)
    send(socket, welcome, welcome.count, Int32(MSG_NOSIGNAL))
    listening[Int(symbol.dropFirst()) ?? ServeBenchmark.groups].append(socket)
  }

  private mutating func tell(_ group: Int) {
    sequences[group] += 1
    let text =
      #"{"type":"predictions","symbol":"S\#(group)","sequence":\#(sequences[group]),"data":{"sent":"#
      + #"\#(SystemClock.monotonicNanoseconds()),"padding":"\#(ServeBenchmark.padding)"}}"#
    let length = text.utf8.count
    let frame = [0x81, 126, UInt8(length >> 8), UInt8(length & 255)] + Array(text.utf8)
    for socket in listening[group] { send(socket, frame, frame.count, Int32(MSG_NOSIGNAL)) }
  }
}
