internal import Compression

/// A message as it goes to a client.
struct OutgoingFrame {
  let bytes: [UInt8]
  /// Of the message before it became a frame.
  let messageBytes: Int

  init(_ message: WebSocketMessage, _ deflater: MessageDeflater?) {
    let opcode: Frame.Opcode = if case .text = message { .text } else { .binary }
    let payload = deflater?.deflate(message.bytes) ?? message.bytes
    var bytes: [UInt8] = []
    Frame.write(opcode, payload, mask: nil, isCompressed: deflater != nil, to: &bytes)
    (self.bytes, messageBytes) = (bytes, message.bytes.count)
  }
}

/// One message for any number of clients, made a frame once for all that have it compressed and once for all others.
struct OutgoingFrames {
  private let message: WebSocketMessage
  private var plain: OutgoingFrame?
  private var compressed: OutgoingFrame?

  init(_ message: WebSocketMessage) { self.message = message }

  mutating func frame(_ deflater: MessageDeflater?) -> OutgoingFrame {
    if let made = deflater == nil ? plain : compressed { return made }
    let frame = OutgoingFrame(message, deflater)
    if deflater == nil { plain = frame } else { compressed = frame }
    return frame
  }
}
