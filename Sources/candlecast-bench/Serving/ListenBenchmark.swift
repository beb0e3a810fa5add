import Glibc
import Operations
import Platform
import Transport

/// Many clients of one WebSocket server: `candlecast-bench listen NAME PROCESS PORT CLIENTS SECONDS all|spread`.
///
/// What a message costs the server is told by the processor time of its process, whatever else runs beside it.
/// One thread reads them all. A message's latency is from before it was made JSON to when its last byte was read here.
enum ListenBenchmark {
  static let word = "listen"
  private static let connectSeconds: Int64 = 120

  static func run(name: String, process: Int, port: Int, clients: Int, seconds: Int, isSpread: Bool) {
    guard ServeBenchmark.raiseFileLimit() >= clients + 64 else {
      return Terminal.error.write(
        "\(clients) clients need \(clients + 64) open files, more than the limit; ulimit -Hn raises it\n")
    }
    guard var listeners = try? Listeners(port: port) else {
      return Terminal.error.write("no sockets can be waited for\n")
    }
    let targets = (0..<clients).map { number in
      let symbol = isSpread ? "S\(number % ServeBenchmark.groups)" : "ALL"
      return "/ws?topics=predictions&symbols=\(symbol)"
    }
    if let failure = listeners.connect(targets, until: now() + connectSeconds * 1_000_000_000) {
      return Terminal.error.write(failure + "\n")
    }
    // What is told on joining was sent before.
    listeners.read(until: now() + 2_500_000_000)
    listeners.forget()
    let (server, own) = (
      ProcessFacts.processorMicroseconds(of: "\(process)"), ProcessFacts.processorMicroseconds(of: "self")
    )
    listeners.read(until: now() + Int64(seconds) * 1_000_000_000)
    report(
      listeners, "\(name)_\(isSpread ? "spread" : "at_once")_\(clients)",
      server: ProcessFacts.processorMicroseconds(of: "\(process)") - server,
      own: ProcessFacts.processorMicroseconds(of: "self") - own)
  }

  private static func report(_ listeners: Listeners, _ name: String, server: Double, own: Double) {
    let sorted = listeners.latencies.sorted()
    guard !sorted.isEmpty else { return Terminal.error.write("nothing came\n") }
    func quantile(_ share: Double) -> Double { Double(sorted[Int(Double(sorted.count - 1) * share)]) / 1e6 }
    let result: JSONValue = [
      "name": .text(name), "unit": "ms", "n": JSONValue(sorted.count), "p50": JSONValue(quantile(0.5)),
      "p99": JSONValue(quantile(0.99)), "max": JSONValue(quantile(1)), "missed": JSONValue(listeners.missed),
      "closed": JSONValue(listeners.closed), "server_us_per_message": JSONValue(server / Double(sorted.count)),
      "client_us_per_message": JSONValue(own / Double(sorted.count)),
    ]
    Terminal.output.write(result.description + "\n")
  }

  private static func now() -> Int64 { SystemClock.monotonicNanoseconds() }
}

/// Sockets that only read.
private struct Listeners {
  private struct Client {
    let socket: Int32
    let target: String
    var stage = Stage.connecting
    /// What came and is not a whole frame yet, or of the head not yet its end.
    var rest: [UInt8] = []
    var sequence = 0

    enum Stage { case connecting, upgrading, open }
  }

  private static let mostConnecting = 64

  private let port: Int
  private let poll: SocketPoll
  private var clients: [Client] = []
  private var connecting = 0
  private var failure: String?
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
  private(set) var latencies: [Int64] = []
  /// Messages that were sent, as their numbers say, and did not come.
  private(set) var missed = 0
  private(set) var closed = 0

  init(port: Int) throws(TransportError) {
    self.port = port
    poll = try SocketPoll()
  }

  mutating func forget() { latencies.removeAll(keepingCapacity: true) }

  // MARK: Connecting

  /// Returns why not all could connect.
  mutating func connect(_ targets: [String], until end: Int64) -> String? {
    var waiting = targets[...]
    while failure == nil, !waiting.isEmpty || connecting > 0 {
      while connecting < Self.mostConnecting, let target = waiting.popFirst() { begin(target) }
      guard SystemClock.monotonicNanoseconds() < end else {
        return "\(clients.count - connecting) of \(targets.count) clients are connected, and the time is over"
      }
      step()
    }
    return failure.map { "client \(clients.count) cannot connect: \($0)" }
  }

  private mutating func begin(_ target: String) {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(clamping: port)).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard socket >= 0, status == 0 || errno == EINPROGRESS else { return fail() }
    clients.append(Client(socket: socket, target: target))
    connecting += 1
    poll.add(socket, .writing, tag: UInt(clients.count - 1))
  }

  private mutating func fail() { failure = String(cString: strerror(errno)) }

  private mutating func ask(_ index: Int) {
    let request = Array(
      ("GET \(clients[index].target) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").utf8)
    guard send(clients[index].socket, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
      return fail()
    }
    clients[index].stage = .upgrading
    poll.change(clients[index].socket, .reading, tag: UInt(index))
  }

  // MARK: Reading

  mutating func read(until end: Int64) {
    while SystemClock.monotonicNanoseconds() < end { step() }
  }

  private mutating func step() {
    for place in 0..<poll.wait(milliseconds: 50) {
      let index = Int(poll.ready(place).tag)
      if clients[index].stage == .connecting { ask(index) } else { receive(index) }
    }
  }

  private mutating func receive(_ index: Int) {
    let length = recv(clients[index].socket, buffer.baseAddress, buffer.count, 0)
    guard length > 0 else { return end(index) }
    // Most of the time all of a message comes at once.
    if clients[index].stage == .open, clients[index].rest.isEmpty {
      let used = take(UnsafeRawBufferPointer(rebasing: buffer[..<length]), index)
      if used < length { clients[index].rest = Array(buffer[used..<length]) }
      return
    }
    clients[index].rest += buffer[..<length]
    if clients[index].stage == .upgrading { finishUpgrade(index) }
    guard clients[index].stage == .open else { return }
    let rest = clients[index].rest
    clients[index].rest.removeFirst(rest.withUnsafeBytes { take($0, index) })
  }

  private mutating func end(_ index: Int) {
    if clients[index].stage == .upgrading { failure = "the server closed the connection" }
    closed += 1
    close(clients[index].socket)
  }

  private static let headEnd = Array("\r\n\r\n".utf8)
  private static let welcome = Array("HTTP/1.1 101 ".utf8)

  private mutating func finishUpgrade(_ index: Int) {
    let rest = clients[index].rest
    guard let end = rest.firstRange(of: Self.headEnd) else { return }
    connecting -= 1
    clients[index].stage = .open
    if !rest.starts(with: Self.welcome) { failure = String(decoding: rest.prefix { $0 != 13 }, as: UTF8.self) }
    clients[index].rest.removeFirst(end.upperBound)
  }

  /// Returns how many bytes were of whole frames.
  private mutating func take(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Int {
    let now = SystemClock.monotonicNanoseconds()
    var start = 0
    while let message = Self.message(in: bytes, from: start) {
      let payload = UnsafeRawBufferPointer(rebasing: bytes[message])
      if let sent = Self.number(after: Self.sentMark, in: payload) { latencies.append(now - sent) }
      if let number = Self.number(after: Self.sequenceMark, in: payload).map({ Int($0) }) {
        let sequence = clients[index].sequence
        if sequence > 0 { missed += number - sequence - 1 }
        clients[index].sequence = number
      }
      start = message.upperBound
    }
    return start
  }

  /// Where the payload of the frame stands that begins at `start`, if all of it is there.
  private static func message(in bytes: UnsafeRawBufferPointer, from start: Int) -> Range<Int>? {
    guard bytes.count - start >= 4 else { return nil }
    var (length, head) = (Int(bytes[start + 1] & 127), 2)
    if length == 126 { (length, head) = (Int(bytes[start + 2]) << 8 | Int(bytes[start + 3]), 4) }
    guard bytes.count - start >= head + length else { return nil }
    return (start + head)..<(start + head + length)
  }

  private static let sentMark = Array(#""sent":"#.utf8)
  private static let sequenceMark = Array(#""sequence":"#.utf8)

  private static func number(after mark: [UInt8], in message: UnsafeRawBufferPointer) -> Int64? {
    // Collections' own search takes longer than the server takes for the message.
    let place = (0..<max(0, message.count - mark.count)).first { offset in
      message[offset] == mark[0] && mark.indices.allSatisfy { message[offset + $0] == mark[$0] }
    }
    guard let place else { return nil }
    var number: Int64 = 0
    for digit in message[(place + mark.count)...] {
      guard digit &- 48 < 10 else { break }
      number = number * 10 + Int64(digit &- 48)
    }
    return number
  }
}
