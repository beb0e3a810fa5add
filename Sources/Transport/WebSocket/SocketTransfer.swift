internal import CCurl
internal import Compression
internal import Crypto
import Glibc
internal import Platform

/// The service thread's side of one client socket.
final class SocketTransfer: CurlTransfer, @unchecked Sendable {
  private enum Stage {
    case connecting
    /// The request is on its way; these bytes of the answer are here.
    case upgrading(received: [UInt8])
    case open
    /// Our close frame is queued or sent.
    case closing
    /// The peer broke the protocol: what it sends is thrown away until it closes.
    case draining
  }

  /// Called once, with a socket or the reason why there is none.
  var finishConnect: (Result<WebSocket, TransportError>) -> Void = { _ in }
  /// Until the upgrade: the client must live as long as its socket.
  private var owner: WebSocketClient?
  private let endpoint: Endpoint
  private let isDefaultPort: Bool
  private let request: WebSocketRequest
  private let userAgent: String
  private let service: CurlService
  private let channel: SocketChannel
  private let key: String
  private var stage = Stage.connecting
  private var socket: Int32 = -1
  private var reader: FrameReader
  private var deflater: MessageDeflater?
  /// Frames on their way; they stay in place until they are gone, as TLS demands.
  private var sending: [UInt8] = []
  private var sentCount = 0
  /// Of the messages in `sending`, to be reported when they are gone.
  private var sendingCost = 0
  private var controls = Queue<[UInt8]>()
  private var hasUnread = false
  private var hasUnsent = false
  private var stageDeadline: Int64
  private var lastHeard: Int64
  private var pingSent: Int64?
  private var generator = SystemRandomNumberGenerator()
  private static let closePatience: Int64 = 2_000_000_000
  private static let maxHeadBytes = 1 << 16
  private static let maxQueuedPongs = 16
  private static let writesInARow = 64
  /// Small messages share a write up to this size.
  private static let writeBytes = 1 << 14

  init(
    _ request: WebSocketRequest, _ options: WebSocketClient.Options, _ service: CurlService, _ owner: WebSocketClient
  ) throws(TransportError) {
    let (url, defaultPort) = try Self.httpURL(request.url)
    endpoint = try Endpoint(url)
    isDefaultPort = endpoint.port == defaultPort
    for header in request.headers where !header.isSendable { throw .badHeader(name: header.name) }
    (self.request, self.service, self.owner, userAgent) = (request, service, owner, options.userAgent)
    channel = SocketChannel(
      .init(messages: request.bufferedMessages, bytes: request.bufferedBytes, unsentBytes: request.unsentBytes))
    key = Base64.text(of: (0..<16).map { _ in UInt8.random(in: .min ... .max) })
    reader = FrameReader(expectsMasks: false, maxMessageBytes: request.maxMessageBytes, inflater: nil)
    lastHeard = SystemClock.monotonicNanoseconds()
    stageDeadline = lastHeard + Self.nanoseconds(request.connectTimeoutSeconds)
    super.init(try EasyHandle())
    easy.applyNetwork(
      url: url, proxy: options.proxy, caFile: options.caFile, connectTimeout: request.connectTimeoutSeconds)
    easy.set(CURLOPT_TIMEOUT_MS, seconds: request.connectTimeoutSeconds)
    easy.set(CURLOPT_CONNECT_ONLY, 1)
    easy.set(CURLOPT_HTTPPROXYTUNNEL, 1)
    easy.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
  }

  private static func httpURL(_ url: String) throws(TransportError) -> (String, defaultPort: Int) {
    if url.hasPrefix("wss://") { return ("https" + url.dropFirst(3), 443) }
    if url.hasPrefix("ws://") { return ("http" + url.dropFirst(2), 80) }
    throw .badURL(String(url.prefix { $0 != "?" }), reason: "a WebSocket's URL begins with ws:// or wss://")
  }

  private static func nanoseconds(_ seconds: Double) -> Int64 { Int64(min(max(seconds, 0), 1e9) * 1e9) }

  // MARK: events

  override var interest: (socket: Int32, events: Int16)? {
    guard socket >= 0 else { return nil }
    let isWriting = sentCount < sending.count || hasUnsent
    return (socket, Int16(POLLIN) | (isWriting ? Int16(POLLOUT) : 0))
  }

  override var deadline: Int64? {
    if hasUnread { return 0 }
    switch stage {
    case .connecting: return nil
    case .upgrading, .closing, .draining: return stageDeadline
    case .open: return pingDeadline
    }
  }

  private var pingDeadline: Int64? {
    request.pingIntervalSeconds.map { (pingSent ?? lastHeard) + Self.nanoseconds($0) }
  }

  override func completed(_ code: CURLcode) -> Bool {
    socket = candlecast_curl_socket(easy.pointer)
    guard code == CURLE_OK, socket >= 0 else {
      let timeout = request.connectTimeoutSeconds
      refuse(easy.failure(code, endpoint, connectTimeout: timeout, timeout))
      return false
    }
    stage = .upgrading(received: [])
    sending = Handshake.request(
      endpoint, isDefaultPort: isDefaultPort, key: key, request, userAgent: userAgent)
    return advance(at: SystemClock.monotonicNanoseconds())
  }

  override func cancelled() {
    refuse(.cancelled(host: endpoint.name))
    channel.finish(Closing(code: nil, reason: "the client was stopped", byPeer: false))
  }

  override func advance(at now: Int64) -> Bool {
    if case .connecting = stage { return true }
    guard receive(at: now), send(at: now) else { return false }
    return checkTime(now)
  }

  /// Nothing more comes of the connect.
  private func refuse(_ error: TransportError) {
    guard owner != nil else { return }
    owner = nil
    finishConnect(.failure(error))
    finishConnect = { _ in }
  }

  private func broken(_ reason: String) -> Bool {
    refuse(.upgradeRefused(host: endpoint.name, status: nil, reason: reason))
    channel.finish(Closing(code: nil, reason: reason, byPeer: true))
    return false
  }

  private func checkTime(_ now: Int64) -> Bool {
    guard let deadline, deadline <= now, !hasUnread else { return true }
    switch stage {
    case .connecting: return true
    case .upgrading:
      refuse(.timeout(host: endpoint.name, phase: .upgrade, seconds: request.connectTimeoutSeconds))
      return false
    case .closing:
      if let close = channel.takeCloseRequest() {
        channel.finish(Closing(code: close.code, reason: close.reason, byPeer: false))
      }
      return false
    case .draining: return false
    case .open: return heartbeat(now)
    }
  }

  private func heartbeat(_ now: Int64) -> Bool {
    guard pingSent == nil else {
      let seconds = request.pingIntervalSeconds ?? 0
      channel.finish(Closing(code: nil, reason: "no byte within \(seconds) s of a ping", byPeer: false))
      return false
    }
    pingSent = now
    queue(.ping, Array("candlecast".utf8))
    channel.count { $0.pingsSent += 1 }
    return send(at: now)
  }

  // MARK: in

  private func receive(at now: Int64) -> Bool {
    hasUnread = false
    // Fair to the other sockets: the rest follows in the next round.
    for _ in 0..<16 {
      var count = 0
      var goesOn = true
      let code = withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 8) { buffer in
        let code = curl_easy_recv(easy.pointer, buffer.baseAddress, buffer.count, &count)
        if code == CURLE_OK, count > 0 {
          goesOn = take(UnsafeRawBufferPointer(rebasing: buffer[..<count]), at: now)
        }
        return code
      }
      if code == CURLE_AGAIN { return true }
      guard code == CURLE_OK else { return broken("the connection broke: " + easy.reason(code)) }
      guard count > 0 else { return broken("the peer closed the connection without a close frame") }
      (lastHeard, pingSent) = (now, nil)
      guard goesOn else { return false }
    }
    hasUnread = true
    return true
  }

  /// Returns whether the connection goes on.
  private func take(_ bytes: UnsafeRawBufferPointer, at now: Int64) -> Bool {
    switch stage {
    case .connecting, .draining: return true
    case .upgrading(let received): return takeAnswer(received + bytes, already: received.count, at: now)
    case .open, .closing: return takeFrames(bytes, at: now)
    }
  }

  private func takeAnswer(_ received: [UInt8], already: Int, at now: Int64) -> Bool {
    guard let length = received.withUnsafeBytes({ Head.length($0, from: already) }) else {
      guard received.count <= Self.maxHeadBytes else { return broken("the answer's head is too long") }
      stage = .upgrading(received: received)
      return true
    }
    do throws(Head.Malformed) {
      try open(Head(Array(received[..<length])))
    } catch {
      return broken("the answer is malformed: " + error.reason)
    }
    guard case .open = stage else { return false }
    return received.withUnsafeBytes { takeFrames(UnsafeRawBufferPointer(rebasing: $0[length...]), at: now) }
  }

  private func open(_ head: Head) {
    do throws(Handshake.Refusal) {
      let agreement = try Handshake.check(head, key: key, offersCompression: request.usesCompression)
      guard let owner else { return }
      if agreement.isCompressed {
        deflater = MessageDeflater(forgets: agreement.clientForgets)
        reader = FrameReader(
          expectsMasks: false, maxMessageBytes: request.maxMessageBytes,
          inflater: MessageInflater(forgets: agreement.serverForgets))
      }
      stage = .open
      let socket = WebSocket(
        headers: head.headers, isCompressed: agreement.isCompressed, host: endpoint.name, channel, self, service, owner)
      self.owner = nil
      finishConnect(.success(socket))
      finishConnect = { _ in }
    } catch {
      refuse(.upgradeRefused(host: endpoint.name, status: error.status, reason: error.reason))
    }
  }

  private func takeFrames(_ bytes: UnsafeRawBufferPointer, at now: Int64) -> Bool {
    let arrival = SystemClock.wallNanoseconds()
    var goesOn = true
    do throws(FrameReader.Violation) {
      try reader.read(bytes) { event in
        if case .draining = stage { return }
        guard goesOn else { return }
        switch event {
        case .message(let message): channel.deliver(message, at: arrival)
        case .ping(let payload):
          channel.count { $0.pingsReceived += 1 }
          pong(payload)
        case .pong: channel.count { $0.pongsReceived += 1 }
        case .close(let code, let reason): goesOn = takeClose(code, reason, at: now)
        }
      }
    } catch {
      channel.finish(Closing(code: error.code, reason: error.reason, byPeer: false))
      leave(.draining, closeFrame(error.code, error.reason), at: now)
    }
    return goesOn
  }

  private func pong(_ payload: [UInt8]) {
    // Nothing follows a close frame.
    guard case .open = stage else { return }
    while controls.count >= Self.maxQueuedPongs { _ = controls.popFirst() }
    queue(.pong, payload)
  }

  private func takeClose(_ code: UInt16?, _ reason: String, at now: Int64) -> Bool {
    if case .closing = stage {
      if let ours = channel.takeCloseRequest() {
        channel.finish(Closing(code: ours.code, reason: ours.reason, byPeer: false))
      }
      return false
    }
    channel.finish(Closing(code: code, reason: reason, byPeer: true))
    leave(.draining, closeFrame(code, ""), at: now)
    return true
  }

  private func leave(_ stage: Stage, _ frame: [UInt8], at now: Int64) {
    self.stage = stage
    stageDeadline = now + Self.closePatience
    controls.append(frame)
  }

  // MARK: out

  private func queue(_ opcode: Frame.Opcode, _ payload: [UInt8]) {
    var frame: [UInt8] = []
    Frame.write(opcode, payload, mask: mask(), to: &frame)
    controls.append(frame)
  }

  private func closeFrame(_ code: UInt16?, _ reason: String) -> [UInt8] {
    var frame: [UInt8] = []
    Frame.write(close: code, reason, mask: mask(), to: &frame)
    return frame
  }

  private func mask() -> UInt32 { UInt32.random(in: .min ... .max, using: &generator) }

  private func send(at now: Int64) -> Bool {
    hasUnsent = false
    // Whoever sends without end must not keep the thread from reading.
    for _ in 0..<Self.writesInARow {
      if sentCount == sending.count {
        if sendingCost > 0 { channel.sent(sendingCost) }
        (sendingCost, sentCount) = (0, 0)
        guard nextFrames(at: now) else { return true }
      }
      var count = 0
      let code = sending.withUnsafeBytes { bytes in
        curl_easy_send(easy.pointer, bytes.baseAddress?.advanced(by: sentCount), bytes.count - sentCount, &count)
      }
      sentCount += count
      if code == CURLE_AGAIN { return true }
      guard code == CURLE_OK else { return sendFailed(easy.reason(code), at: now) }
    }
    hasUnsent = true
    return true
  }

  /// What the peer said before it went may still be unread, its close frame above all.
  private func sendFailed(_ reason: String, at now: Int64) -> Bool {
    repeat {
      if case .draining = stage { return false }
      guard receive(at: now) else { return false }
    } while hasUnread
    if case .draining = stage { return false }
    return broken("the connection broke: " + reason)
  }

  /// Puts the next frames into `sending`. Control frames go first.
  private func nextFrames(at now: Int64) -> Bool {
    sending.removeAll(keepingCapacity: sending.capacity <= 1 << 16)
    if let control = controls.popFirst() {
      sending = control
      return true
    }
    guard case .open = stage else { return false }
    while sending.count < Self.writeBytes, let message = channel.takeOutgoing() { write(message) }
    guard sending.isEmpty else { return true }
    guard let close = channel.takeCloseRequest() else { return false }
    leave(.closing, closeFrame(close.code, close.reason), at: now)
    return nextFrames(at: now)
  }

  private func write(_ message: WebSocketMessage) {
    sendingCost += SocketChannel.cost(message)
    let opcode: Frame.Opcode = if case .text = message { .text } else { .binary }
    let payload = deflater?.deflate(message.bytes) ?? message.bytes
    Frame.write(opcode, payload, mask: mask(), isCompressed: deflater != nil, to: &sending)
  }
}
