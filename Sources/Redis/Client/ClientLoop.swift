internal import Glibc
internal import Market
internal import Platform

/// Holds the one connection: makes it again whenever it is lost, sends what callers ask, and gives them the answers in
/// order. It lives on a thread of its own.
struct ClientLoop: ~Copyable {
  private enum Phase: Equatable {
    case down(until: Int64)
    case connecting(until: Int64)
    case greeting(until: Int64)
    case ready(since: Int64)
  }

  private struct Sent {
    let call: PendingCall
    let at: Int64
    var answers: [RedisValue] = []
  }

  private let queue: CallQueue
  private var phase = Phase.down(until: 0)
  private var backoff: Backoff
  private var targets: [Socket.Target] = []
  private var socket: Socket?
  private var reader: ReplyReader?
  private var output: [UInt8] = []
  private var outputStart = 0
  private var sent: [Sent] = []
  /// Those before it are answered.
  private var firstSent = 0
  private var greeting: [RedisCommand] = []
  private var greetingAnswers: [RedisValue] = []
  private var nextDeadline = Int64.max
  private var lastReceived: Int64 = 0
  private let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)

  init(_ queue: CallQueue) {
    self.queue = queue
    let options = queue.options
    backoff = Backoff(
      first: options.firstPause.nanoseconds, longest: options.longestPause.nanoseconds, seed: options.seed)
  }

  deinit { chunk.deallocate() }

  private var options: RedisOptions { queue.options }
  private var server: String { options.address.description }

  mutating func run() {
    while !queue.isClosed {
      connectIfDue()
      takeCalls()
      write()
      expire()
      wait()
    }
    let closed = RedisError.closed(server: server)
    failSent(closed)
    queue.refuseWaiting(closed)
  }

  // MARK: Connecting

  private mutating func connectIfDue() {
    guard case .down(let until) = phase, SystemClock.monotonicNanoseconds() >= until else { return }
    do {
      targets = try Socket.Target.all(host: options.address.host, port: options.address.port)
    } catch {
      return failed(.cannotResolve(server: server, reason: error.reason))
    }
    connectToNext(.cannotConnect(server: server, reason: "it has no address"))
  }

  private mutating func connectToNext(_ trouble: RedisError) {
    guard !targets.isEmpty else { return failed(trouble) }
    do {
      socket = try Socket(to: targets.removeFirst())
      phase = .connecting(until: SystemClock.monotonicNanoseconds() + options.connectTimeout.nanoseconds)
    } catch {
      connectToNext(.cannotConnect(server: server, reason: error.reason))
    }
  }

  private mutating func connected() {
    reader = ReplyReader(mostBytes: options.mostReplyBytes)
    guard reader != nil else { return failed(.cannotConnect(server: server, reason: "no memory")) }
    greeting = []
    let address = options.address
    if let password = address.password {
      let user = address.user.map { [RedisCommand.Argument($0)] } ?? []
      greeting.append(RedisCommand("AUTH", user + [.init(password.reveal())]))
    }
    if address.database != 0 { greeting.append(RedisCommand("SELECT", .init(address.database))) }
    greeting.append(RedisCommand("PING"))
    greetingAnswers = []
    (output, outputStart) = ([], 0)
    for command in greeting { command.write(to: &output) }
    phase = .greeting(until: SystemClock.monotonicNanoseconds() + options.connectTimeout.nanoseconds)
  }

  /// No connection came about.
  private mutating func failed(_ trouble: RedisError) {
    disconnect()
    targets = []
    phase = .down(until: SystemClock.monotonicNanoseconds() + backoff.failed())
    queue.failed(trouble)
  }

  /// A connection that may have been good broke.
  private mutating func lose(_ trouble: RedisError) {
    guard case .ready(let since) = phase else {
      if case .connecting = phase { return connectToNext(trouble) }
      return failed(trouble)
    }
    disconnect()
    queue.lost(trouble)
    let now = SystemClock.monotonicNanoseconds()
    if now - since >= options.shortestConnection.nanoseconds {
      phase = .down(until: now)
    } else {
      phase = .down(until: now + backoff.failed())
      queue.failed(Self.told(trouble))
    }
    failSent(trouble)
  }

  /// What those hear who did not ask for the answer that was too large.
  private static func told(_ trouble: RedisError) -> RedisError {
    guard case .replyTooLarge(let server, _) = trouble else { return trouble }
    return .connectionLost(server: server, reason: "an answer to somebody else was too large")
  }

  private mutating func disconnect() {
    socket = nil
    reader = nil
    (output, outputStart) = ([], 0)
  }

  private mutating func greeted() {
    for answer in greetingAnswers {
      if case .error(let error) = answer { return failed(error) }
    }
    guard greetingAnswers.last == .status("PONG") else {
      return failed(.malformed(server: server, reason: "PING is not answered with PONG"))
    }
    let now = SystemClock.monotonicNanoseconds()
    backoff.succeeded()
    lastReceived = now
    phase = .ready(since: now)
    queue.connected()
  }

  // MARK: Sending

  private mutating func takeCalls() {
    guard case .ready = phase else { return }
    let calls = queue.take()
    guard !calls.isEmpty else { return }
    let now = SystemClock.monotonicNanoseconds()
    var (dropped, bytes, commands) = (0, 0, 0)
    for call in calls {
      guard !call.isFinished else {
        dropped += 1
        bytes += call.bytes.count
        continue
      }
      output += call.bytes
      sent.append(Sent(call: call, at: now))
      nextDeadline = min(nextDeadline, call.deadline)
      commands += call.names.count
    }
    queue.discharge(calls: dropped, bytes: bytes)
    queue.count { $0.commands += UInt64(commands) }
  }

  private var hasOutput: Bool { outputStart < output.count }

  private mutating func write() {
    if case .connecting = phase { return }
    while hasOutput {
      let transfer = output.withUnsafeBytes { bytes in
        socket?.send(UnsafeRawBufferPointer(rebasing: bytes[outputStart...])) ?? .notNow
      }
      switch transfer {
      case .bytes(let count): outputStart += count
      case .notNow: return
      case .ended(let reason): return lose(.connectionLost(server: server, reason: reason))
      }
    }
    if output.capacity > 1 << 20 { output = [] } else { output.removeAll(keepingCapacity: true) }
    outputStart = 0
  }

  // MARK: Receiving

  private mutating func receive() {
    while true {
      switch socket?.receive(into: chunk) ?? .notNow {
      case .notNow: return
      case .ended(let reason): return lose(.connectionLost(server: server, reason: reason))
      case .bytes(let count):
        lastReceived = SystemClock.monotonicNanoseconds()
        guard understand(count) else { return }
        if count < chunk.count { return }
      }
    }
  }

  /// False if the connection is given up.
  private mutating func understand(_ count: Int) -> Bool {
    do throws(ReplyReader.Trouble) {
      try reader?.feed(UnsafeRawBufferPointer(rebasing: chunk[..<count]))
      var (calls, bytes) = (0, 0)
      defer { queue.discharge(calls: calls, bytes: bytes) }
      while socket != nil, let reply = try reader?.next() {
        if case .greeting = phase {
          greet(reply)
          continue
        }
        guard let call = answer(reply) else { continue }
        calls += 1
        bytes += call.bytes.count
      }
    } catch {
      switch error {
      case .malformed(let reason): lose(.malformed(server: server, reason: reason))
      case .tooLarge: lose(.replyTooLarge(server: server, limitBytes: options.mostReplyBytes))
      }
    }
    return socket != nil
  }

  private mutating func greet(_ reply: Reply) {
    greetingAnswers.append(reply.value(of: greeting[greetingAnswers.count].name, from: options.address))
    if greetingAnswers.count == greeting.count { greeted() }
  }

  /// The call that this was the last answer of.
  private mutating func answer(_ reply: Reply) -> PendingCall? {
    guard firstSent < sent.count else {
      lose(.malformed(server: server, reason: "an answer that nothing asked for"))
      return nil
    }
    let call = sent[firstSent].call
    let name = call.names[sent[firstSent].answers.count]
    sent[firstSent].answers.append(reply.value(of: name, from: options.address))
    guard sent[firstSent].answers.count == call.names.count else { return nil }
    call.finish(.success(sent[firstSent].answers))
    sent[firstSent].answers = []
    firstSent += 1
    if firstSent == sent.count {
      sent.removeAll(keepingCapacity: firstSent < 1024)
      firstSent = 0
    } else if firstSent >= 1024, firstSent * 2 > sent.count {
      sent.removeFirst(firstSent)
      firstSent = 0
    }
    return call
  }

  private mutating func failSent(_ trouble: RedisError) {
    let calls = sent[firstSent...].map(\.call)
    (sent, firstSent, nextDeadline) = ([], 0, .max)
    queue.discharge(calls: calls.count, bytes: calls.reduce(0) { $0 + $1.bytes.count })
    calls.first?.finish(.failure(trouble))
    for call in calls.dropFirst() { call.finish(.failure(Self.told(trouble))) }
  }

  // MARK: Time

  /// A late answer is passed over when it comes. A server that has said nothing at all since is given up.
  private mutating func expire() {
    let now = SystemClock.monotonicNanoseconds()
    switch phase {
    case .connecting(let until) where now >= until:
      return connectToNext(.cannotConnect(server: server, reason: "it does not answer"))
    case .greeting(let until) where now >= until:
      let milliseconds = Int(options.connectTimeout.nanoseconds / 1_000_000)
      return failed(.timeout(server: server, command: "PING", milliseconds: milliseconds))
    default: break
    }
    guard now >= nextDeadline else { return }
    var stuck: RedisError?
    var (late, next) = (0, Int64.max)
    for entry in sent[firstSent...] where !entry.call.isFinished {
      guard entry.call.deadline <= now else {
        next = min(next, entry.call.deadline)
        continue
      }
      let timeout = queue.timeout(entry.call)
      entry.call.finish(.failure(timeout))
      late += 1
      if lastReceived < entry.at { stuck = timeout }
    }
    nextDeadline = next
    queue.count { $0.timeouts += UInt64(late) }
    if let stuck { lose(stuck) }
  }

  private mutating func wait() {
    var until = nextDeadline
    switch phase {
    case .down(let time), .connecting(let time), .greeting(let time):
      until = min(until, time, queue.expire(now: SystemClock.monotonicNanoseconds()))
    case .ready: break
    }
    let milliseconds =
      until == .max ? -1 : Int32(clamping: max(0, until - SystemClock.monotonicNanoseconds() + 999_999) / 1_000_000)
    let events = poll(milliseconds)
    queue.resetSignal()
    if events != 0 { handle(events) }
  }

  private func poll(_ milliseconds: Int32) -> Int32 {
    var wanted = Int32(POLLIN)
    if case .connecting = phase { wanted = Int32(POLLOUT) } else if hasOutput { wanted |= Int32(POLLOUT) }
    var descriptors = [
      pollfd(fd: queue.wakeDescriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: socket?.descriptor ?? -1, events: Int16(wanted), revents: 0),
    ]
    guard Glibc.poll(&descriptors, 2, milliseconds) > 0 else { return 0 }
    return Int32(descriptors[1].revents)
  }

  private mutating func handle(_ events: Int32) {
    guard case .connecting = phase else {
      if events & Int32(POLLIN | POLLERR | POLLHUP) != 0 { receive() }
      return
    }
    do {
      try socket?.finishConnecting()
      connected()
    } catch {
      connectToNext(.cannotConnect(server: server, reason: error.reason))
    }
  }
}
