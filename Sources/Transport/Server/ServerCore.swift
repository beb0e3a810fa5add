internal import CWebSockets
internal import Compression
import Glibc
internal import Platform
import Synchronization

/// The service thread of a server and what other threads may ask of it.
///
/// `@unchecked Sendable`: all but `mail`, `count` and the constants belongs to the service thread once it runs.
final class ServerCore: @unchecked Sendable {
  enum Work {
    case answer(ServerConnection, ServerResponse)
    case write([ServerConnection])
    case abort(ServerConnection)
    case stop
  }

  /// The library's context. Other threads may only wake it; everything else belongs to the service thread.
  private struct Loop: @unchecked Sendable {
    let context: OpaquePointer

    func wake() { lws_cancel_service(context) }
  }

  private struct Mail: ~Copyable {
    var work: [Work] = []
    /// Present while it runs.
    var loop: Loop?
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
  // libwebsockets keeps the addresses of both.
  private let protocols: UnsafeMutablePointer<lws_protocols>
  private let tick: UnsafeMutablePointer<candlecast_lws_tick>
  private static let tickMicroseconds: lws_usec_t = 250_000
  private static let stopPatience: Int64 = 1_000_000_000
  static let writeBytes = 1 << 16

  init(_ options: HTTPServer.Options, _ handler: any HTTPHandler) {
    (self.options, self.handler) = (options, handler)
    protocols = .allocate(capacity: 2)
    protocols.initialize(repeating: lws_protocols(), count: 2)
    tick = .allocate(capacity: 1)
    tick.initialize(to: candlecast_lws_tick())
  }

  deinit {
    protocols.deallocate()
    tick.deallocate()
  }

  var isStopping: Bool { stopDeadline != nil }
  var connectionCount: Int { count.load(ordering: .relaxed) }

  // MARK: from any thread

  func post(_ work: Work) {
    if thread.load(ordering: .relaxed) == pthread_self() { return perform(work) }
    mail.withLock { mail in
      guard !mail.isStopped else { return }
      mail.work.append(work)
      if mail.work.count == 1 { mail.loop?.wake() }
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
    try ListenAddress.check(options.host, options.port)
    for file in [options.tls?.certificateFile, options.tls?.keyFile].compactMap({ $0 }) where access(file, R_OK) != 0 {
      let reason = "\(file) cannot be read: " + String(cString: strerror(errno))
      throw .cannotListen(host: options.host, port: options.port, reason: reason)
    }
    LibraryLog.start()
    protocols[0].name = UnsafePointer(Self.name)
    protocols[0].callback = { wsi, reason, _, bytes, count in ServerCore.callback(wsi, reason, bytes, count) }
    protocols[0].tx_packet_size = 1 << 20
    let context = try makeContext()
    let port = Int(lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default")))
    let loop = Loop(context: context)
    mail.withLock { $0.loop = loop }
    do throws(DedicatedThread.CannotStart) {
      try DedicatedThread.start { self.run(loop) }
    } catch {
      lws_context_destroy(context)
      throw .cannotStart(reason: error.description)
    }
    return port
  }

  // libwebsockets keeps the address of a protocol's name.
  nonisolated(unsafe) private static let name: UnsafeMutablePointer<CChar> = strdup("candlecast")

  private func makeContext() throws(TransportError) -> OpaquePointer {
    var info = lws_context_creation_info()
    info.options = candlecast_lws_plain_options()
    if !options.host.contains(":") { info.options |= candlecast_lws_no_ipv6_option() }
    info.port = Int32(options.port)
    info.protocols = UnsafePointer(protocols)
    info.user = Unmanaged.passUnretained(self).toOpaque()
    info.pt_serv_buf_size = UInt32(Self.writeBytes)
    LibraryLog.forget()
    let isEverywhere = options.host == "0.0.0.0" || options.host == "::"
    let context = options.host.withCString { host in
      "raw-skt".withCString { role in
        "http/1.1".withCString { alpn in
          (options.tls?.certificateFile ?? "").withCString { certificate in
            (options.tls?.keyFile ?? "").withCString { key in
              info.iface = isEverywhere ? nil : host
              info.listen_accept_role = role
              info.listen_accept_protocol = UnsafePointer(Self.name)
              if options.tls != nil {
                info.options |= candlecast_lws_tls_options()
                info.alpn = alpn
                info.ssl_cert_filepath = certificate
                info.ssl_private_key_filepath = key
              }
              return lws_create_context(&info)
            }
          }
        }
      }
    }
    guard let context else {
      let reason = LibraryLog.last ?? "libwebsockets does not say why"
      throw .cannotListen(host: options.host, port: options.port, reason: reason)
    }
    return context
  }

  private func run(_ loop: Loop) {
    let context = loop.context
    thread.store(pthread_self(), ordering: .relaxed)
    tick.pointee.owner = Unmanaged.passUnretained(self).toOpaque()
    schedule(context)
    takeMail()
    while stopDeadline == nil || !(connections.isEmpty || isPast(stopDeadline)) {
      guard lws_service(context, 0) >= 0 else { break }
      writeAnswers()
    }
    mail.withLock { $0.loop = nil }
    lws_context_destroy(context)
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

  private func isPast(_ deadline: Int64?) -> Bool {
    deadline.map { $0 <= SystemClock.monotonicNanoseconds() } ?? false
  }

  private func schedule(_ context: OpaquePointer) {
    lws_sul_schedule(
      context, 0, &tick.pointee.entry,
      { entry in
        guard let entry else { return }
        // The entry is the first field.
        let tick = UnsafeMutableRawPointer(entry).assumingMemoryBound(to: candlecast_lws_tick.self)
        guard let owner = tick.pointee.owner else { return }
        Unmanaged<ServerCore>.fromOpaque(owner).takeUnretainedValue().ticked()
      }, Self.tickMicroseconds)
  }

  private func ticked() {
    updateClock()
    for connection in connections { connection.check(now) }
    if let loop = mail.withLock({ $0.loop }) { schedule(loop.context) }
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

  // MARK: events

  private static func callback(
    _ wsi: OpaquePointer?, _ reason: lws_callback_reasons, _ bytes: UnsafeMutableRawPointer?, _ count: Int
  ) -> Int32 {
    guard let wsi, let user = lws_context_user(lws_get_context(wsi)) else { return 0 }
    let core = Unmanaged<ServerCore>.fromOpaque(user).takeUnretainedValue()
    switch reason {
    case LWS_CALLBACK_RAW_ADOPT: return core.adopt(wsi)
    case LWS_CALLBACK_RAW_RX:
      return connection(wsi)?.received(UnsafeRawBufferPointer(start: bytes, count: count)) ?? -1
    case LWS_CALLBACK_RAW_WRITEABLE: return connection(wsi)?.writable() ?? -1
    case LWS_CALLBACK_RAW_CLOSE: core.drop(wsi)
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED: core.takeMail()
    default: break
    }
    return 0
  }

  private static func connection(_ wsi: OpaquePointer) -> ServerConnection? {
    lws_get_opaque_user_data(wsi).map { Unmanaged<ServerConnection>.fromOpaque($0).takeUnretainedValue() }
  }

  private func adopt(_ wsi: OpaquePointer) -> Int32 {
    guard stopDeadline == nil, connections.count < options.maxConnections else { return -1 }
    updateClock()
    lastID += 1
    let connection = ServerConnection(wsi, id: lastID, index: connections.count, self)
    connections.append(connection)
    count.store(connections.count, ordering: .relaxed)
    lws_set_opaque_user_data(wsi, Unmanaged.passUnretained(connection).toOpaque())
    return 0
  }

  private func drop(_ wsi: OpaquePointer) {
    guard let connection = Self.connection(wsi) else { return }
    lws_set_opaque_user_data(wsi, nil)
    connections[connection.index] = connections[connections.count - 1]
    connections[connection.index].index = connection.index
    connections.removeLast()
    count.store(connections.count, ordering: .relaxed)
    connection.dropped()
    // The loop looks for its end after each round.
    if isStopping, connections.isEmpty { mail.withLock { $0.loop?.wake() } }
  }

  private func takeMail() {
    let work = mail.withLock { mail in
      defer { mail.work = [] }
      return mail.work
    }
    for work in work { perform(work) }
  }

  private func perform(_ work: Work) {
    switch work {
    case .answer(let connection, let response): connection.answer(response)
    case .write(let connections): for connection in connections { connection.writeMessages() }
    case .abort(let connection): connection.abort()
    case .stop:
      guard stopDeadline == nil else { return }
      writeAnswers()
      stopDeadline = SystemClock.monotonicNanoseconds() + Self.stopPatience
      for connection in connections { connection.stop() }
    }
  }
}
