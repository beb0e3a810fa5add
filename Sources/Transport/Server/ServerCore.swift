internal import Compression
internal import Glibc
internal import Platform
import Synchronization

/// The service thread of a server and what other threads may ask of it.
///
/// `@unchecked Sendable`: all but `mail`, `count` and the constants belongs to the service thread once it runs.
final class ServerCore: @unchecked Sendable {
  enum Work {
    case answer(ServerConnection, ServerResponse)
    /// The reply was dropped.
    case answerNothing(ServerConnection)
    case tell(WebSocketMessage, [ServerSocket])
    case close(ServerConnection, code: UInt16, reason: String)
    case abort(ServerConnection)
    case stop

    /// What is said through sockets is said in the order in which it was posted, by whatever thread.
    var keepsOrder: Bool {
      switch self {
      case .tell, .close: true
      case .answer, .answerNothing, .abort, .stop: false
      }
    }
  }

  private struct Mail: ~Copyable {
    var work: [Work] = []
    /// Present while it runs.
    var bell: Bell?
    var isStopped = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  let options: HTTPServer.Options
  /// Let go at the end: a handler may keep sockets, and those keep this.
  private(set) var handler: (any HTTPHandler)?
  /// For every WebSocket: each message stands alone.
  lazy var deflater = MessageDeflater(forgets: true)
  lazy var inflater = MessageInflater(forgets: true)
  /// Where writes are put together.
  var scratch: [UInt8] = []
  var answers = WaitingAnswers()
  /// What one read may bring.
  let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: ServerCore.readBytes, alignment: 64)
  private(set) var now = SystemClock.monotonicNanoseconds()
  private(set) var date = ""
  private let mail = Mutex(Mail())
  private let count = Atomic(0)
  private var connections: [ServerConnection] = []
  /// The service thread, 0 before it runs.
  private let thread = Atomic<UInt>(0)
  private var lastID = 0
  private var stopDeadline: Int64?
  private var dateSecond = 0
  private var doomed: [ServerConnection] = []
  /// The service thread has posted something itself.
  private var hasOwnMail = false
  /// Those with something to write once the mail is through.
  private var called: [ServerConnection] = []
  private static let tickNanoseconds: Int64 = 250_000_000
  private static let stopPatience: Int64 = 1_000_000_000
  static let writeBytes = 1 << 16
  private static let readBytes = 1 << 16

  init(_ options: HTTPServer.Options, _ handler: any HTTPHandler) {
    (self.options, self.handler) = (options, handler)
  }

  deinit { readBuffer.deallocate() }

  var isStopping: Bool { stopDeadline != nil }
  var connectionCount: Int { count.load(ordering: .relaxed) }

  // MARK: from any thread

  func post(_ work: Work) {
    let isOwn = thread.load(ordering: .relaxed) == pthread_self()
    if isOwn, !work.keepsOrder { return perform(work) }
    mail.withLock { mail in
      guard !mail.isStopped else { return }
      mail.work.append(work)
      if isOwn {
        hasOwnMail = true
      } else if mail.work.count == 1 {
        mail.bell?.ring()
      }
    }
  }

  func stop() async {
    await withCheckedContinuation { continuation in
      let isStopped = mail.withLock { mail in
        if !mail.isStopped { mail.waiting.append(continuation) }
        return mail.isStopped
      }
      if isStopped { return continuation.resume() }
      post(.stop)
    }
  }

  // MARK: start and end

  /// Returns the port.
  func start() throws(TransportError) -> Int {
    let tls = try makeTLS()
    let (listener, port) = try ListenAddress.listen(options.host, options.port)
    do throws(TransportError) {
      let loop = try ServerLoop(listener, tls)
      mail.withLock { $0.bell = loop.bell }
      try start(loop)
    } catch {
      close(listener)
      throw error
    }
    return port
  }

  private func makeTLS() throws(TransportError) -> ServerTLS? {
    guard let files = options.tls else { return nil }
    do throws(ServerTLS.Failure) {
      return try ServerTLS(files)
    } catch {
      throw .cannotListen(host: options.host, port: options.port, reason: error.description)
    }
  }

  private func start(_ loop: ServerLoop) throws(TransportError) {
    do throws(DedicatedThread.CannotStart) {
      try DedicatedThread.start { self.run(loop) }
    } catch {
      throw .cannotStart(reason: error.description)
    }
  }

  private func run(_ loop: ServerLoop) {
    thread.store(pthread_self(), ordering: .relaxed)
    updateClock()
    var nextTick = now + Self.tickNanoseconds
    takeMail()
    while stopDeadline == nil || !(connections.isEmpty || now > stopDeadline ?? 0) {
      serve(loop, until: nextTick)
      if now >= nextTick {
        for connection in connections { connection.check(now) }
        loop.listenAgain()
        nextTick = now + Self.tickNanoseconds
      }
      if isStopping { loop.stopListening() }
      bury()
    }
    finish(loop)
  }

  private func serve(_ loop: ServerLoop, until deadline: Int64) {
    while hasOwnMail {
      takeMail()
      writeAnswers()
    }
    let count = loop.poll.wait(milliseconds: Int(max(0, deadline - now) / 1_000_000) + 1)
    updateClock()
    for index in 0..<count {
      let (tag, what) = loop.poll.ready(index)
      switch tag {
      case ServerLoop.bellTag:
        loop.bell.silence()
        takeMail()
      case ServerLoop.listenerTag: loop.accept { adopt($0, $1, loop) }
      default:
        // Those that end are let go when the round is over.
        guard let connection = UnsafeRawPointer(bitPattern: tag) else { continue }
        Unmanaged<ServerConnection>.fromOpaque(connection).takeUnretainedValue().ready(what)
      }
    }
    writeAnswers()
  }

  private func finish(_ loop: ServerLoop) {
    mail.withLock { $0.bell = nil }
    for connection in connections { connection.kill() }
    bury()
    loop.end()
    handler = nil
    let waiting = mail.withLock { mail in
      mail.isStopped = true
      mail.work = []
      defer { mail.waiting = [] }
      return mail.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  func writeAnswers() {
    guard !answers.isEmpty else { return }
    var waiting = WaitingAnswers()
    swap(&waiting, &answers)
    waiting.write()
    waiting.removeAll()
    // Its memory is used again.
    swap(&waiting, &answers)
  }

  private func updateClock() {
    now = SystemClock.monotonicNanoseconds()
    let second = time(nil)
    guard second != dateSecond else { return }
    dateSecond = second
    var parts = tm()
    var moment = second
    gmtime_r(&moment, &parts)
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    date =
      "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(1900 + parts.tm_year) "
      + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
  }

  // MARK: connections

  private func adopt(_ descriptor: Int32, _ client: ClientAddress?, _ loop: ServerLoop) {
    let session = loop.tls?.session(descriptor)
    guard !isStopping, connections.count < options.maxConnections, (session == nil) == (loop.tls == nil) else {
      close(descriptor)
      return
    }
    lastID += 1
    let socket = ClientSocket(descriptor, session, in: loop.poll)
    connections.append(ServerConnection(socket, from: client, id: lastID, index: connections.count, self))
    count.store(connections.count, ordering: .relaxed)
  }

  /// Closes a connection when the round is over: the poll may have told of it already.
  func doom(_ connection: ServerConnection) { doomed.append(connection) }

  private func bury() {
    while let connection = doomed.popLast() {
      connections[connection.index] = connections[connections.count - 1]
      connections[connection.index].index = connection.index
      connections.removeLast()
      count.store(connections.count, ordering: .relaxed)
      connection.close()
    }
  }

  // MARK: work

  private func takeMail() {
    hasOwnMail = false
    let work = mail.withLock { mail in
      defer { mail.work = [] }
      return mail.work
    }
    for work in work { perform(work) }
    while let connection = called.popLast() { connection.writeCalled() }
  }

  /// Lets a connection write what waits in it, once for all that is in the mail.
  func call(_ connection: ServerConnection) { called.append(connection) }

  private func tell(_ message: WebSocketMessage, to sockets: [ServerSocket]) {
    guard sockets.count < options.broadcastSockets else {
      var broadcast = Broadcast(message)
      return broadcast.tell(sockets)
    }
    var frames = OutgoingFrames(message)
    for socket in sockets { socket.connection.tell(&frames) }
  }

  private func perform(_ work: Work) {
    switch work {
    case .answer(let connection, let response): connection.answer(response)
    case .answerNothing(let connection): connection.answerNothing()
    case .tell(let message, let sockets):
      tell(message, to: sockets)
    case .close(let connection, let code, let reason): connection.close(code: code, reason: reason)
    case .abort(let connection): connection.abort()
    case .stop:
      guard stopDeadline == nil else { return }
      writeAnswers()
      stopDeadline = now + Self.stopPatience
      for connection in connections { connection.stop() }
    }
  }
}
