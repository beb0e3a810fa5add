package import Market
internal import Synchronization
package import Transport
package import Venues

/// How one venue is reached: turns the core's actions into transfers and what comes back into inputs.
package final class VenueLinks: Sendable {
  private struct State {
    var rest: Endpoints
    var streams: Endpoints?
    var sockets: [SocketID: WebSocket] = [:]
    /// Closed before they were open.
    var unwanted: Set<SocketID> = []
  }

  /// On the wall: however fast a simulator's clock runs, its process needs the processor's time.
  private static let shortestTimeoutSeconds = 2.0

  private let state: Mutex<State>
  private let http: HTTPClient
  private let webSockets: WebSocketClient
  private let clock: PipelineClock
  private let inbox: Inbox<StampedInput>

  package init(
    rest: Endpoints, streams: Endpoints?, http: HTTPClient, webSockets: WebSocketClient, clock: PipelineClock,
    inbox: Inbox<StampedInput>
  ) {
    state = Mutex(State(rest: rest, streams: streams))
    (self.http, self.webSockets, self.clock, self.inbox) = (http, webSockets, clock, inbox)
  }

  // MARK: Requests

  package func request(_ id: RequestID, _ request: VenueRequest, timeoutSeconds: Double) async {
    let base = state.withLock { $0.rest.current }
    let transfer = HTTPRequest(
      method: request.method.rawValue, url: base + request.path,
      headers: request.headers.map { HTTPHeader($0.name, $0.value) }, body: request.body,
      timeoutSeconds: max(Self.shortestTimeoutSeconds, clock.wallSeconds(timeoutSeconds)))
    let result: RequestResult
    do {
      let answer = try await http.send(transfer)
      if [403, 451].contains(answer.status) || answer.status >= 500 { state.withLock { $0.rest.failed(base) } }
      result = .answered(
        VenueAnswer(
          status: answer.status, headers: answer.headers.map { VenueHeader($0.name, $0.value) }, body: answer.body))
    } catch {
      state.withLock { $0.rest.failed(base) }
      result = .failed(reason: "\(error)")
    }
    await put(.answer(id, result))
  }

  // MARK: Sockets

  /// Opens a socket and hands on all that it brings until it closes.
  package func run(_ id: SocketID, _ plan: SocketPlan) async {
    guard let base = state.withLock({ $0.streams?.current }) else {
      return await put(.closed(id, reason: "no address to connect to"))
    }
    let socket: WebSocket
    do {
      socket = try await webSockets.connect(
        WebSocketRequest(url: base + plan.path, headers: plan.headers.map { HTTPHeader($0.name, $0.value) }))
    } catch {
      state.withLock { $0.streams?.failed(base) }
      return await put(.closed(id, reason: "\(error)"))
    }
    let isWanted = state.withLock { state in
      guard state.unwanted.remove(id) == nil else { return false }
      state.sockets[id] = socket
      return true
    }
    guard isWanted else {
      socket.close()
      return await put(.closed(id, reason: "closed before it was open"))
    }
    await put(.opened(id))
    await forward(socket, id)
    state.withLock { _ = $0.sockets.removeValue(forKey: id) }
    let closing = socket.closing
    await put(.closed(id, code: closing?.code, reason: closing.map { "\($0)" } ?? "the connection was lost"))
  }

  private func forward(_ socket: WebSocket, _ id: SocketID) async {
    var dropped = 0
    while let received = await socket.next() {
      let time = clock.time(at: received.arrivalNanoseconds)
      switch received.message {
      case .text(let bytes): await inbox.put(StampedInput(.frame(id, bytes, isBinary: false), at: time))
      case .binary(let bytes): await inbox.put(StampedInput(.frame(id, bytes, isBinary: true), at: time))
      }
      guard socket.droppedMessages > dropped else { continue }
      dropped = socket.droppedMessages
      // What was lost is found by its ids and minutes, and fetched.
      await put(.overflowed(id, messages: dropped))
    }
  }

  package func send(_ texts: [String], to id: SocketID) async {
    guard let socket = state.withLock({ $0.sockets[id] }) else { return }
    for text in texts {
      // A socket that cannot send is closing, which its reader reports.
      do { try await socket.send(.text(Array(text.utf8))) } catch { return }
    }
  }

  package func close(_ id: SocketID) {
    let socket = state.withLock { state -> WebSocket? in
      if let socket = state.sockets[id] { return socket }
      state.unwanted.insert(id)
      return nil
    }
    socket?.close()
  }

  private func put(_ input: LiveInput) async { await inbox.put(StampedInput(input, at: clock.now())) }
}

/// An input with its arrival by the pipeline's clock.
package struct StampedInput: Sendable {
  package let input: LiveInput
  package let time: Timestamp

  package init(_ input: LiveInput, at time: Timestamp) { (self.input, self.time) = (input, time) }
}
