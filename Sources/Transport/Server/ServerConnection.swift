internal import Glibc

/// One connection of a server: requests one after the other, or a WebSocket.
///
/// `@unchecked Sendable`: replies and sockets carry it between threads, only the service thread looks inside.
final class ServerConnection: @unchecked Sendable {
  private enum Stage {
    /// Between requests, or inside a head.
    case head
    case body(RequestHead)
    /// The handler has the request.
    case answering(method: String, keepsAlive: Bool)
    /// The rest of an answer that is too long for one write.
    case writing([UInt8], from: Int, thenLeaves: Bool)
    case socket(SocketSide)
    /// Everything is said; what still comes is thrown away until the peer closes.
    case leaving(isShut: Bool)
  }

  let id: Int
  private let client: ClientAddress?
  /// Its place in the core's list.
  var index: Int
  private unowned let core: ServerCore
  private var socket: ClientSocket
  /// It is to be closed when the present round of the loop is over.
  private(set) var isDoomed = false
  /// It writes once the mail is through.
  private var isCalled = false
  private var stage = Stage.head
  /// Read and not yet used; the first `scanned` bytes of it hold no end of a head.
  private var input: [UInt8] = []
  private var scanned = 0
  /// Of the present request, or the pause before it.
  private var started: Int64
  private var lastHeard: Int64
  private var lastWritten: Int64
  /// It says no more and waits for the answers to what it said.
  private var hasPeerEnded = false
  private static let leavePatience: Int64 = 1_000_000_000
  private static let writesInARow = 16

  init(_ socket: consuming ClientSocket, from client: ClientAddress?, id: Int, index: Int, _ core: ServerCore) {
    (self.client, self.id, self.index, self.core) = (client, id, index, core)
    (started, lastHeard, lastWritten) = (core.now, core.now, core.now)
    self.socket = socket
    self.socket.begin(tag: UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque()))
  }

  // MARK: life

  /// The end, whoever wanted it.
  func close() {
    socket.close()
    if case .socket(let side) = stage {
      end(side, Closing(code: nil, reason: "the connection broke", byPeer: true))
    }
    stage = .leaving(isShut: true)
  }

  /// Closes it when the present round of the loop is over.
  func kill() {
    guard socket.isOpen, !isDoomed else { return }
    isDoomed = true
    core.doom(self)
  }

  func abort() {
    if case .socket(let side) = stage { end(side, Closing(code: nil, reason: "aborted", byPeer: false)) }
    kill()
  }

  /// The server stops.
  func stop() {
    switch stage {
    case .head, .body, .leaving: kill()
    case .answering, .writing: break
    case .socket(let side): side.socket.close(code: CloseCode.goingAway, reason: "the server stops")
    }
  }

  private func callOnWritable() {
    socket.wantsWriting = true
    watch()
  }

  /// What a client sends waits while it does not read what it asked for; a WebSocket's pongs do not.
  private func watch() {
    guard isOpen else { return }
    let isSocket = if case .socket = stage { true } else { false }
    socket.watch(reading: !hasPeerEnded && (isSocket || !socket.isBuffered))
  }

  private var isOpen: Bool { socket.isOpen && !isDoomed }

  /// Looks at the clock; called four times a second.
  func check(_ now: Int64) {
    let idle = core.options.idleTimeoutSeconds.nanoseconds
    switch stage {
    case .head where !socket.isReady:
      if now - started > core.options.requestTimeoutSeconds.nanoseconds { kill() }
    case .head where input.isEmpty:
      if now - max(started, lastHeard, lastWritten) > idle { kill() }
    case .head, .body:
      if now - started > core.options.requestTimeoutSeconds.nanoseconds { refuse(408, "the request is too slow") }
    case .answering: break
    case .writing:
      if now - lastWritten > idle { kill() }
    case .leaving:
      if now - lastWritten > (socket.isBuffered ? idle : Self.leavePatience) { kill() }
    case .socket(let side): check(side, now)
    }
  }

  private func check(_ side: SocketSide, _ now: Int64) {
    let pingInterval = core.options.pingIntervalSeconds?.nanoseconds
    if let closing = side.check(now, lastHeard: lastHeard, pingInterval: pingInterval) {
      end(side, closing)
      kill()
    } else if side.hasControls {
      callOnWritable()
    }
  }

  // MARK: in

  /// The poll says so.
  func ready(_ what: SocketPoll.Interest) {
    guard isOpen else { return }
    if hasPeerEnded, what.contains(.breaking) { return kill() }
    if what.contains(.writing) || what.contains(.breaking) && socket.isBuffered { drain() }
    // A broken one is read to its end.
    let reads =
      what.contains(.reading) || what.contains(.breaking) && !socket.isBuffered || socket.readingWantsWriting
    if isOpen, reads { read() }
    watch()
  }

  private func drain() {
    let wasBuffered = socket.isBuffered
    guard socket.flush() else { return kill() }
    guard !socket.isBuffered, wasBuffered || socket.wantsWriting else { return }
    socket.wantsWriting = false
    writable()
  }

  private func read() {
    repeat {
      switch socket.read(into: core.readBuffer) {
      case .bytes(let count): received(UnsafeRawBufferPointer(rebasing: core.readBuffer[..<count]))
      case .nothing: return
      case .end: return peerEnded()
      case .broken: return kill()
      }
    } while isOpen && socket.hasMore
  }

  private func peerEnded() {
    switch stage {
    case .answering, .writing: hasPeerEnded = true
    // Requests that came with the last one are looked at next; a piece of one is no request.
    case .head where !input.isEmpty && socket.wantsWriting: hasPeerEnded = true
    case .head, .body, .socket, .leaving:
      // What was answered in this round is not written yet.
      core.writeAnswers()
      kill()
    }
  }

  private func received(_ bytes: UnsafeRawBufferPointer) {
    lastHeard = core.now
    switch stage {
    case .socket(let side): readFrames(bytes, side)
    case .leaving: break
    case .head, .body, .answering, .writing:
      if case .head = stage, input.isEmpty { started = core.now }
      takeInput(bytes)
    }
  }

  private func takeInput(_ bytes: UnsafeRawBufferPointer) {
    guard input.isEmpty else {
      input.append(contentsOf: bytes)
      return useInput()
    }
    let used = use(bytes)
    input.append(contentsOf: bytes[used...])
  }

  private func useInput() {
    let used = input.withUnsafeBytes { use($0) }
    if used == input.count { input = [] } else { input.removeFirst(used) }
  }

  /// Returns how many bytes were used up.
  private func use(_ bytes: UnsafeRawBufferPointer) -> Int {
    var used = 0
    while true {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[used...])
      switch stage {
      case .head:
        guard let length = headLength(rest) else { return used }
        used += length
        takeHead(Array(rest[..<length]), restCount: rest.count - length)
      case .body(let head):
        guard rest.count >= head.contentLength else { return used }
        used += head.contentLength
        take(head, Array(rest[..<head.contentLength]))
      case .answering, .writing:
        // Pipelined requests wait, but not without end.
        if rest.count > core.options.maxHeaderBytes + core.options.maxBodyBytes { kill() }
        return used
      case .socket(let side):
        if !rest.isEmpty { readFrames(rest, side) }
        return bytes.count
      case .leaving: return bytes.count
      }
    }
  }

  /// How a client's greeting begins that speaks TLS; it has no end that a head has.
  private static let tlsHandshake: UInt8 = 0x16

  private func headLength(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard bytes.first != Self.tlsHandshake else {
      refuse(400, "TLS is not spoken here")
      return nil
    }
    let length = Head.length(bytes, from: scanned)
    scanned = length == nil ? bytes.count : 0
    guard (length ?? bytes.count) <= core.options.maxHeaderBytes else {
      refuse(431, "the head may have \(core.options.maxHeaderBytes) bytes")
      return nil
    }
    return length
  }

  private func takeHead(_ bytes: [UInt8], restCount: Int) {
    do throws(Head.Malformed) {
      let head = try RequestHead(bytes, maxBodyBytes: core.options.maxBodyBytes)
      if head.wantsSocket { return upgrade(head) }
      if head.expectsContinue, restCount < head.contentLength { write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
      stage = .body(head)
    } catch {
      refuse(error.status, error.reason)
    }
  }

  private func take(_ head: RequestHead, _ body: [UInt8]) {
    stage = .answering(method: head.method, keepsAlive: head.keepsAlive)
    core.handler?.handle(ServerRequest(head, body: body, from: client), ServerReply(self, core))
  }

  private func refuse(_ status: Int, _ reason: String) {
    stage = .answering(method: "", keepsAlive: false)
    answer(core.handler?.refusal(status, reason) ?? ServerResponse(status: status))
  }

  // MARK: answers

  func answerNothing() {
    answer(core.handler?.refusal(500, "the request was dropped without an answer") ?? ServerResponse(status: 500))
  }

  func answer(_ response: ServerResponse) {
    guard isOpen, case .answering(let method, let keepsAlive) = stage else { return }
    let cut = response.cutAfterBytes.map { min(max($0, 0), response.body.count) }
    let hasBody = method != "HEAD" && ResponseHead.hasBody(response.status)
    let bodyCount = hasBody ? cut ?? response.body.count : 0
    let leaves = !keepsAlive || cut != nil || core.isStopping || isLast
    core.answers.begin(for: self)
    let start = core.answers.bytes.count
    ResponseHead.write(
      response, closes: leaves, isAnswerToHead: method == "HEAD", date: core.date, to: &core.answers.bytes)
    let first = max(0, min(bodyCount, ServerCore.writeBytes - (core.answers.bytes.count - start)))
    core.answers.bytes.append(contentsOf: response.body[..<first])
    lastWritten = core.now
    if first < bodyCount || leaves || core.answers.isFull { core.writeAnswers() }
    if first < bodyCount {
      stage = .writing(Array(response.body[..<bodyCount]), from: first, thenLeaves: leaves)
      return callOnWritable()
    }
    answered(leaves: leaves)
  }

  /// No request can follow.
  private var isLast: Bool { hasPeerEnded && input.isEmpty }

  private func answered(leaves: Bool) {
    if leaves || isLast { return leave() }
    stage = .head
    (started, scanned) = (core.now, 0)
    // A pipelined request is looked at when the present call is through.
    if !input.isEmpty { callOnWritable() }
  }

  /// What waits is no whole request and never will be.
  private func leaveUnlessAnswering() {
    switch stage {
    case .head, .body:
      core.writeAnswers()
      leave()
    case .answering, .writing, .socket, .leaving: break
    }
  }

  private func leave() {
    lastWritten = core.now
    stage = .leaving(isShut: false)
    shutIfWritten()
  }

  /// The end of our half, once everything is with the kernel; closing outright could take the answer from the peer.
  private func shutIfWritten() {
    guard isOpen, !socket.isBuffered else { return }
    stage = .leaving(isShut: true)
    if core.isStopping { return kill() }
    socket.endWriting()
  }

  /// After the answers that wait.
  private func write(_ bytes: [UInt8]) {
    core.writeAnswers()
    bytes.withUnsafeBytes { write($0) }
  }

  func write(_ bytes: UnsafeRawBufferPointer) {
    guard isOpen, !bytes.isEmpty else { return }
    guard socket.write(bytes) else { return kill() }
    if socket.isBuffered { watch() }
  }

  private func writable() {
    lastWritten = core.now
    switch stage {
    case .writing(let body, let from, let leaves): writeOn(body, from, leaves)
    case .socket(let side): writeFrames(side)
    case .leaving(isShut: false): shutIfWritten()
    case .head where !input.isEmpty:
      useInput()
      if hasPeerEnded { leaveUnlessAnswering() }
    case .head, .body, .answering, .leaving: break
    }
  }

  private func writeOn(_ body: [UInt8], _ from: Int, _ leaves: Bool) {
    let end = min(from + ServerCore.writeBytes, body.count)
    body.withUnsafeBytes { write(UnsafeRawBufferPointer(rebasing: $0[from..<end])) }
    guard end < body.count else { return answered(leaves: leaves) }
    stage = .writing(body, from: end, thenLeaves: leaves)
    // One that is full calls when it is not.
    if !socket.isBuffered { callOnWritable() }
  }

  // MARK: WebSocket

  private func upgrade(_ head: RequestHead) {
    stage = .answering(method: head.method, keepsAlive: false)
    guard head.method == "GET", head.contentLength == 0, let key = head.head["sec-websocket-key"],
      Handshake.isKey(key)
    else { return refuse(400, "a WebSocket begins with GET and a Sec-WebSocket-Key") }
    guard head.head["sec-websocket-version"] == "13" else {
      var response =
        core.handler?.refusal(426, "WebSockets of version 13 are spoken here") ?? ServerResponse(status: 426)
      response.headers.append(HTTPHeader("Sec-WebSocket-Version", "13"))
      return answer(response)
    }
    switch core.handler?.accept(ServerRequest(head, body: [], from: client)) ?? .refuse(status: 503) {
    case .refuse(let response): answer(response)
    case .accept(let headers): open(head, key, headers)
    }
  }

  private func open(_ head: RequestHead, _ key: String, _ headers: [HTTPHeader]) {
    let isCompressed = core.options.usesCompression && acceptsCompression(head)
    let socket = ServerSocket(id, head, self, core)
    let side = SocketSide(
      socket, maxMessageBytes: core.options.maxMessageBytes, inflater: isCompressed ? core.inflater : nil,
      deflater: isCompressed ? core.deflater : nil)
    stage = .socket(side)
    self.socket.set(SOL_SOCKET, SO_SNDBUF, core.options.sendBufferBytes)
    var bytes: [UInt8] = []
    ResponseHead.writeUpgrade(
      accept: Handshake.accept(key), isCompressed: isCompressed, headers, to: &bytes)
    write(bytes)
    core.handler?.opened(socket)
  }

  private func acceptsCompression(_ head: RequestHead) -> Bool {
    guard let offer = head.head["sec-websocket-extensions"],
      let parameters = Handshake.compressionParameters(offer)
    else { return false }
    // Smaller windows for what we send are not worth a deflater of their own.
    return !parameters.contains { $0.hasPrefix("server_max_window_bits") }
  }

  private func readFrames(_ bytes: UnsafeRawBufferPointer, _ side: SocketSide) {
    let step = side.read(bytes) { core.handler?.received($0, from: side.socket) }
    if case .leaves(let closing, let frame) = step, case .socket = stage {
      write(frame)
      end(side, closing)
      leave()
    } else if side.hasControls {
      callOnWritable()
    }
  }

  /// A message that is alone goes at once, without asking the kernel first, which would cost a look at every
  /// connection. Several go together.
  func tell(_ frames: inout OutgoingFrames) {
    guard isOpen, case .socket(let side) = stage else { return }
    let frame = frames.frame(side.deflater)
    guard isFree(side) else {
      side.queue(frame)
      return call()
    }
    lastWritten = core.now
    frame.bytes.withUnsafeBytes { write($0) }
    side.socket.sent(frame.messageBytes)
  }

  /// A message may go at once: nothing is before it.
  private func isFree(_ side: SocketSide) -> Bool {
    side.isIdle && !socket.isBuffered && side.socket.unsentMessages == 1
  }

  /// Through which a message that is a frame as it stands may go at once, by whatever thread; `nil` where it may not.
  var freeDescriptor: Int32? {
    guard isOpen, case .socket(let side) = stage, side.deflater == nil, isFree(side) else { return nil }
    return socket.plainDescriptor
  }

  /// - Parameter taken: bytes that the kernel took through `freeDescriptor`; `nil` where the connection broke.
  func told(_ frame: OutgoingFrame, taken: Int?) {
    guard case .socket(let side) = stage else { return }
    lastWritten = core.now
    side.socket.sent(frame.messageBytes)
    guard let taken else { return kill() }
    guard taken < frame.bytes.count else { return }
    socket.keep(frame.bytes[taken...])
    watch()
  }

  /// After what was told before.
  func close(code: UInt16, reason: String) {
    guard case .socket(let side) = stage else { return }
    side.requestClose(code, reason)
    call()
  }

  private func call() {
    guard !isCalled else { return }
    isCalled = true
    core.call(self)
  }

  func writeCalled() {
    isCalled = false
    guard isOpen, case .socket(let side) = stage, !socket.isBuffered else { return }
    lastWritten = core.now
    writeFrames(side)
  }

  private func writeFrames(_ side: SocketSide) {
    for _ in 0..<Self.writesInARow {
      guard isOpen else { return }
      core.scratch.removeAll(keepingCapacity: core.scratch.capacity <= 4 * ServerCore.writeBytes)
      let isDone = side.fill(&core.scratch, limit: ServerCore.writeBytes / 2, at: core.now)
      core.scratch.withUnsafeBytes { write($0) }
      // One that is full calls when it is not.
      if isDone || socket.isBuffered { return }
    }
    callOnWritable()
  }

  private func end(_ side: SocketSide, _ closing: Closing) {
    stage = .leaving(isShut: true)
    side.socket.finish(closing)
    core.handler?.closed(side.socket)
  }
}

extension Double {
  fileprivate var nanoseconds: Int64 { Int64(min(max(self, 0), 1e9) * 1e9) }
}
