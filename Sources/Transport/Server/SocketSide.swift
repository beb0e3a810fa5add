internal import Compression

/// The service thread's side of one client's WebSocket: frames in, frames out.
final class SocketSide {
  enum Step: Equatable {
    case goesOn
    /// The end, with a last frame to send.
    case leaves(Closing, frame: [UInt8])
  }

  let socket: ServerSocket
  private var reader: FrameReader
  let deflater: MessageDeflater?
  /// What waits for the kernel.
  private var frames = Queue<OutgoingFrame>()
  private var controls: [[UInt8]] = []
  private var requestedClose: (code: UInt16, reason: String)?
  /// What our own close frame said.
  private var sentClose: (code: UInt16, reason: String)?
  /// When the close frame went, or the ping without an answer.
  private var closeSent: Int64 = 0
  private var pingSent: Int64?
  private static let maxQueuedPongs = 4
  private static let closePatience: Int64 = 2_000_000_000

  init(_ socket: ServerSocket, maxMessageBytes: Int, inflater: MessageInflater?, deflater: MessageDeflater?) {
    (self.socket, self.deflater) = (socket, deflater)
    reader = FrameReader(expectsMasks: true, maxMessageBytes: maxMessageBytes, inflater: inflater)
  }

  /// Something to send besides messages.
  var hasControls: Bool { !controls.isEmpty }
  /// A message may go at once.
  var isIdle: Bool { frames.isEmpty && controls.isEmpty && sentClose == nil }

  func queue(_ frame: OutgoingFrame) {
    guard sentClose == nil else { return }
    frames.append(frame)
  }

  /// To be sent after what is queued.
  func requestClose(_ code: UInt16, _ reason: String) { requestedClose = (code, reason) }

  func read(_ bytes: UnsafeRawBufferPointer, _ deliver: (WebSocketMessage) -> Void) -> Step {
    pingSent = nil
    var step = Step.goesOn
    do throws(FrameReader.Violation) {
      try reader.read(bytes) { event in
        guard step == .goesOn else { return }
        switch event {
        case .message(let message): deliver(message)
        case .ping(let payload): pong(payload)
        case .pong: break
        case .close(let code, let reason): step = close(code, reason)
        }
      }
    } catch {
      let closing = Closing(code: error.code, reason: error.reason, byPeer: false)
      step = .leaves(closing, frame: frame(close: error.code, error.reason))
    }
    return step
  }

  private func pong(_ payload: [UInt8]) {
    if controls.count >= Self.maxQueuedPongs { controls.removeFirst() }
    var frame: [UInt8] = []
    Frame.write(.pong, payload, mask: nil, to: &frame)
    controls.append(frame)
  }

  private func close(_ code: UInt16?, _ reason: String) -> Step {
    if let sentClose {
      return .leaves(Closing(code: sentClose.code, reason: sentClose.reason, byPeer: false), frame: [])
    }
    return .leaves(Closing(code: code, reason: reason, byPeer: true), frame: frame(close: code, ""))
  }

  private func frame(close code: UInt16?, _ reason: String) -> [UInt8] {
    guard sentClose == nil else { return [] }
    var frame: [UInt8] = []
    Frame.write(close: code, reason, mask: nil, to: &frame)
    return frame
  }

  /// Adds frames until `output` holds `limit` bytes or nothing is left, which it returns.
  func fill(_ output: inout [UInt8], limit: Int, at now: Int64) -> Bool {
    // Nothing follows a close frame.
    defer { controls = [] }
    guard sentClose == nil else { return true }
    for control in controls { output += control }
    while output.count < limit {
      guard let frame = frames.popFirst() else {
        writeClose(to: &output, at: now)
        return true
      }
      output += frame.bytes
      socket.sent(frame.messageBytes)
    }
    return false
  }

  private func writeClose(to output: inout [UInt8], at now: Int64) {
    guard let close = requestedClose else { return }
    Frame.write(close: close.code, close.reason, mask: nil, to: &output)
    (sentClose, closeSent) = (close, now)
  }

  /// Why the connection is to be cut now, if it is.
  func check(_ now: Int64, lastHeard: Int64, pingInterval: Int64?) -> Closing? {
    if let sentClose {
      guard now - closeSent > Self.closePatience else { return nil }
      return Closing(code: sentClose.code, reason: sentClose.reason, byPeer: false)
    }
    guard let pingInterval else { return nil }
    guard let pingSent else {
      if now - lastHeard > pingInterval { ping(now) }
      return nil
    }
    guard now - pingSent > pingInterval else { return nil }
    return Closing(code: nil, reason: "no byte within \(Double(pingInterval) / 1e9) s of a ping", byPeer: false)
  }

  private func ping(_ now: Int64) {
    var frame: [UInt8] = []
    Frame.write(.ping, Array("candlecast".utf8), mask: nil, to: &frame)
    controls.append(frame)
    pingSent = now
  }
}
