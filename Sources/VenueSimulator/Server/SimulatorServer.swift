internal import Glibc
internal import Market
internal import Synchronization
package import Transport
internal import Venues

/// Serves simulated venues on one port, by a clock that runs as fast as wanted.
///
/// Beside the venues' paths there are `/sim/clock`, the simulator's clock as JSON, and `/sim/truth?symbol=…&venue=…`,
/// the closed minutes that a perfect reader has by now, as a candle file.
package final class SimulatorServer: Sendable {
  private let simulation: Simulation
  private let server: HTTPServer

  /// - Parameter clock: begins now.
  package init(
    _ venues: VenueSet, _ market: SimulatedMarket, clock: VirtualClock, host: String = "127.0.0.1", port: Int = 0
  ) throws(TransportError) {
    simulation = Simulation(venues, market, clock)
    let options = HTTPServer.Options(
      host: host, port: port, maxConnections: 1024, unsentMessages: 1 << 16, unsentBytes: 64 << 20,
      pingIntervalSeconds: 20)
    server = try HTTPServer(options, handler: simulation)
  }

  package var port: Int { server.port }

  /// Clients that did not read fast enough and were cut off.
  package var slowClients: Int { simulation.slowClients }

  /// Plays to the end of the data, or until `shouldStop`; then closes the sockets and returns. It blocks its thread.
  package func run(shouldStop: () -> Bool = { false }) {
    while !shouldStop() {
      guard let pause = simulation.step() else { break }
      Self.sleep(nanoseconds: pause)
    }
    simulation.finish()
    // Clients see the closing frames, and that the clock has come to its end.
    if !shouldStop() { Self.sleep(nanoseconds: 500_000_000) }
  }

  /// Frees the port.
  package func stop() async { await server.stop() }

  private static func sleep(nanoseconds: Int64) {
    var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    nanosleep(&time, nil)
  }
}

/// What the service thread and the player share.
private final class Simulation: HTTPHandler {
  /// After the last minute's close, so that its closing is told.
  private static let graceMicroseconds: Int64 = 2_000_000
  /// Between two looks at what clients have sent.
  private static let longestPause: Int64 = 4_000_000

  private struct State {
    var venues: VenueSet
    var sockets: [Int: (socket: ServerSocket, venue: Int)] = [:]
    var delayed: [(time: Timestamp, reply: ServerReply, response: ServerResponse)] = []
    var isDone = false
    var slowClients = 0
  }

  private let state: Mutex<State>
  private let market: SimulatedMarket
  private let clock: VirtualClock

  init(_ venues: VenueSet, _ market: SimulatedMarket, _ clock: VirtualClock) {
    (self.market, self.clock) = (market, clock)
    state = Mutex(State(venues: venues))
  }

  var slowClients: Int { state.withLock { $0.slowClients } }

  // MARK: Playing

  /// Does what is due. Nanoseconds until something may be due again; `nil` at the end of the data.
  func step() -> Int64? {
    let now = clock.now
    var due = Timestamp.distantFuture
    var deliveries: [(SimulatedOutput, ServerSocket)] = []
    var replies: [(ServerReply, ServerResponse)] = []
    state.withLock { state in
      for index in state.venues.venues.indices where !state.venues[index].openSockets.isEmpty {
        for output in state.venues[index].advance(to: now) {
          if let socket = state.sockets[output.socket]?.socket { deliveries.append((output, socket)) }
        }
        due = min(due, state.venues[index].nextDue ?? .distantFuture)
      }
      replies = state.delayed.filter { $0.time <= now }.map { ($0.reply, $0.response) }
      state.delayed.removeAll { $0.time <= now }
      due = min(due, state.delayed.map(\.time).min() ?? .distantFuture)
    }
    for (reply, response) in replies { reply.send(response) }
    for (output, socket) in deliveries { deliver(output, to: socket) }
    guard now < market.end.adding(microseconds: Self.graceMicroseconds) else { return nil }
    return min(due == .distantFuture ? Self.longestPause : clock.wallNanoseconds(until: due), Self.longestPause)
  }

  private func deliver(_ output: SimulatedOutput, to socket: ServerSocket) {
    switch output {
    case .frame(_, _, let bytes, let isBinary):
      guard !socket.send(isBinary ? .binary(bytes) : .text(bytes)), socket.closing == nil else { return }
      state.withLock { $0.slowClients += 1 }
      socket.abort()
    case .close(_, _, let code?): socket.close(code: code)
    case .close: socket.abort()
    }
  }

  func finish() {
    let now = clock.now
    let outputs = state.withLock { state in
      state.isDone = true
      let sockets = state.sockets
      var outputs: [(SimulatedOutput, ServerSocket)] = []
      for index in state.venues.venues.indices {
        for output in state.venues[index].closeAll(at: now) {
          if let socket = sockets[output.socket]?.socket { outputs.append((output, socket)) }
        }
      }
      return outputs
    }
    for (output, socket) in outputs { deliver(output, to: socket) }
  }

  // MARK: Requests

  func handle(_ request: ServerRequest, _ reply: ServerReply) {
    if request.path.hasPrefix("/sim/") { return reply.send(own(request)) }
    let method: VenueRequest.Method = request.method == "POST" ? .post : .get
    let now = clock.now
    let (answer, headers) = state.withLock { state in
      let (venue, path) = state.venues.route(request.target)
      let venueRequest = VenueRequest(
        method, path, headers: request.headers.map { VenueHeader($0.name, $0.value) }, body: request.body)
      let answer = state.venues[venue].answer(venueRequest, at: now)
      return (answer, answer.headers.map { HTTPHeader($0.name, $0.value) })
    }
    let response = ServerResponse(
      status: answer.status, headers: headers, body: answer.body, cutAfterBytes: answer.cutAfterBytes)
    guard answer.delayMicroseconds > 0 else { return reply.send(response) }
    let time = now.adding(microseconds: answer.delayMicroseconds)
    state.withLock { $0.delayed.append((time, reply, response)) }
  }

  private func own(_ request: ServerRequest) -> ServerResponse {
    let now = clock.now
    let query = Query(request.target)
    if query.path == "/sim/clock" {
      let isDone = state.withLock { $0.isDone }
      let text: JSONText = """
        {"time_us":\(now.microseconds),"speed":\(text: "\(clock.speed)"),"synthetic":true,\
        "start_us":\(market.split.microseconds),"end_us":\(market.end.microseconds),"done":\(isDone)}
        """
      return ServerResponse(headers: [HTTPHeader("Content-Type", "application/json")], body: text.bytes)
    }
    guard query.path == "/sim/truth", let symbol = Symbol(query["symbol"] ?? "BTCUSDT") else {
      return ServerResponse(status: 404, body: Array("there are /sim/clock and /sim/truth\n".utf8))
    }
    let venue = query["venue"] ?? "binance"
    let from = query["from"].flatMap { Timestamp($0) } ?? market.split
    let truth = state.withLock { $0.venues.venue(venue)?.truth(of: symbol, at: now) ?? [] }
    return ServerResponse(
      headers: [HTTPHeader("Content-Type", "text/csv")],
      body: CandleTable.text(of: truth.drop { $0.openTime < from }))
  }

  // MARK: Sockets

  func accept(_ request: ServerRequest) -> SocketAcceptance {
    let now = clock.now
    let verdict = state.withLock { state -> SimulatedAcceptance in
      guard !state.isDone else { return .refused(status: 503, body: []) }
      let (index, path) = state.venues.route(request.target)
      // A try on a copy: the socket itself has its number only when it is open.
      var venue = state.venues[index]
      return venue.open(-1, path: path, headers: request.headers.map { VenueHeader($0.name, $0.value) }, at: now)
    }
    switch verdict {
    case .accepted: return .accept()
    case .refused(let status, let body): return .refuse(status: status, body: body)
    }
  }

  func opened(_ socket: ServerSocket) {
    let now = clock.now
    let isOpen = state.withLock { state -> Bool in
      let (index, path) = state.venues.route(socket.target)
      let headers = socket.headers.map { VenueHeader($0.name, $0.value) }
      guard case .accepted = state.venues[index].open(socket.id, path: path, headers: headers, at: now) else {
        return false
      }
      state.sockets[socket.id] = (socket, index)
      return true
    }
    if !isOpen { socket.abort() }
  }

  func received(_ message: WebSocketMessage, from socket: ServerSocket) {
    guard case .text(let text) = message else { return }
    let now = clock.now
    state.withLock { state in
      guard let venue = state.sockets[socket.id]?.venue else { return }
      state.venues[venue].receive(text, from: socket.id, at: now)
    }
  }

  func closed(_ socket: ServerSocket) {
    state.withLock { state in
      guard let venue = state.sockets.removeValue(forKey: socket.id)?.venue else { return }
      state.venues[venue].close(socket.id)
    }
  }
}

extension SimulatedOutput {
  fileprivate var socket: Int {
    switch self {
    case .frame(let socket, _, _, _), .close(let socket, _, _): socket
    }
  }
}
