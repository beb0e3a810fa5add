internal import Compression

/// Bytes of a peer in, whole messages and control frames out; no length of a peer is believed before it is checked.
struct FrameReader {
  enum Event: Equatable {
    case message(WebSocketMessage)
    case ping([UInt8])
    case pong([UInt8])
    /// `nil` where the frame held no code.
    case close(UInt16?, String)
  }

  /// The peer broke the protocol; the socket has to be closed with this code.
  struct Violation: Error, Equatable {
    let code: UInt16
    let reason: String
  }

  private struct Header {
    var isFinal = false
    var isCompressed = false
    var opcode = Frame.Opcode.continuation
    var mask: UInt32?
    var length = 0
  }

  private let expectsMasks: Bool
  private let maxMessageBytes: Int
  private let inflater: MessageInflater?
  private var headerBytes: [UInt8] = []
  private var header: Header?
  /// Of the present frame's payload, already read.
  private var received = 0
  private var control: [UInt8] = []
  private var message: [UInt8] = []
  /// What the first frame of an unfinished message said.
  private var open: (opcode: Frame.Opcode, isCompressed: Bool)?

  /// Servers expect masks. Without an inflater a compressed frame is a violation.
  init(expectsMasks: Bool, maxMessageBytes: Int, inflater: MessageInflater?) {
    (self.expectsMasks, self.maxMessageBytes, self.inflater) = (expectsMasks, maxMessageBytes, inflater)
  }

  /// Calls `take` for each event in order; nothing may be read after a violation.
  mutating func read(_ bytes: UnsafeRawBufferPointer, _ take: (Event) -> Void) throws(Violation) {
    var index = 0
    while index < bytes.count {
      if header == nil {
        headerBytes.append(bytes[index])
        index += 1
        guard headerBytes.count == Self.headerLength(headerBytes) else { continue }
        header = try readHeader()
        headerBytes.removeAll(keepingCapacity: true)
        received = 0
      }
      guard let frame = header else { continue }
      let count = min(frame.length - received, bytes.count - index)
      append(UnsafeRawBufferPointer(rebasing: bytes[index..<index + count]), of: frame)
      (index, received) = (index + count, received + count)
      if received == frame.length {
        header = nil
        if let event = try finish(frame) { take(event) }
      }
    }
  }

  /// Of the header that begins with these bytes; it grows as they come.
  private static func headerLength(_ bytes: [UInt8]) -> Int {
    guard bytes.count >= 2 else { return 2 }
    let extended = bytes[1] & 0x7F == 127 ? 8 : bytes[1] & 0x7F == 126 ? 2 : 0
    return 2 + extended + (bytes[1] & 0x80 == 0 ? 0 : 4)
  }

  private func readHeader() throws(Violation) -> Header {
    let (first, second) = (headerBytes[0], headerBytes[1])
    guard let opcode = Frame.Opcode(rawValue: first & 0x0F) else { throw violation("unknown opcode") }
    var header = Header(isFinal: first & 0x80 != 0, isCompressed: first & 0x40 != 0, opcode: opcode)
    guard first & 0x30 == 0, !header.isCompressed || inflater != nil else { throw violation("reserved bits are set") }
    guard (second & 0x80 != 0) == expectsMasks else {
      throw violation(expectsMasks ? "a frame is not masked" : "a frame is masked")
    }
    var length = UInt64(second & 0x7F)
    var index = 2
    if length >= 126 {
      let size = length == 126 ? 2 : 8
      length = headerBytes[2..<2 + size].reduce(0) { $0 << 8 | UInt64($1) }
      guard length >= (size == 2 ? 126 : 65_536), length < 1 << 63 else { throw violation("a length is malformed") }
      index += size
    }
    if expectsMasks { header.mask = headerBytes[index...].reduce(0) { $0 << 8 | UInt32($1) } }
    if opcode.isControl {
      guard header.isFinal, length <= Frame.maxControlBytes, !header.isCompressed else {
        throw violation("a control frame is fragmented, compressed or too long")
      }
    } else {
      guard (opcode == .continuation) == (open != nil) else { throw violation("fragments are out of order") }
      guard !(opcode == .continuation && header.isCompressed) else { throw violation("reserved bits are set") }
      guard length <= UInt64(maxMessageBytes - message.count) else { throw tooLarge }
    }
    header.length = Int(length)
    return header
  }

  private mutating func append(_ bytes: UnsafeRawBufferPointer, of frame: Header) {
    guard bytes.count > 0 else { return }
    if frame.opcode.isControl {
      Self.append(bytes, frame.mask, from: received, to: &control)
    } else {
      Self.append(bytes, frame.mask, from: received, to: &message)
    }
  }

  private static func append(
    _ bytes: UnsafeRawBufferPointer, _ mask: UInt32?, from position: Int, to target: inout [UInt8]
  ) {
    let start = target.count
    target.append(contentsOf: bytes)
    guard let mask else { return }
    target.withUnsafeMutableBytes {
      Frame.unmask(UnsafeMutableRawBufferPointer(rebasing: $0[start...]), mask, from: position)
    }
  }

  private mutating func finish(_ frame: Header) throws(Violation) -> Event? {
    switch frame.opcode {
    case .text, .binary, .continuation:
      let (opcode, isCompressed) = open ?? (frame.opcode, frame.isCompressed)
      open = frame.isFinal ? nil : (opcode, isCompressed)
      return frame.isFinal ? try finishMessage(opcode, isCompressed) : nil
    case .ping: return .ping(takeControl())
    case .pong: return .pong(takeControl())
    case .close: return try finishClose(takeControl())
    }
  }

  private mutating func finishMessage(_ opcode: Frame.Opcode, _ isCompressed: Bool) throws(Violation) -> Event {
    var bytes: [UInt8] = []
    swap(&bytes, &message)
    if isCompressed, let inflater {
      switch inflater.inflate(bytes, limit: maxMessageBytes) {
      case .whole(let inflated): bytes = inflated
      case .tooLarge: throw tooLarge
      case .corrupt: throw Violation(code: CloseCode.invalidText, reason: "compressed data is corrupt")
      }
    }
    guard opcode == .text else { return .message(.binary(bytes)) }
    guard bytes.isUTF8 else { throw Violation(code: CloseCode.invalidText, reason: "a text is not UTF-8") }
    return .message(.text(bytes))
  }

  private func finishClose(_ bytes: [UInt8]) throws(Violation) -> Event {
    guard !bytes.isEmpty else { return .close(nil, "") }
    guard bytes.count >= 2 else { throw violation("a close code is cut") }
    let code = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
    guard CloseCode.isSendable(code) else { throw violation("close code \(code) may not be sent") }
    guard let reason = String(validating: bytes[2...], as: UTF8.self) else {
      throw Violation(code: CloseCode.invalidText, reason: "a close reason is not UTF-8")
    }
    return .close(code, reason)
  }

  private mutating func takeControl() -> [UInt8] {
    defer { control.removeAll() }
    return control
  }

  private var tooLarge: Violation {
    Violation(code: CloseCode.tooLarge, reason: "a message is larger than \(maxMessageBytes) bytes")
  }

  private func violation(_ reason: String) -> Violation {
    Violation(code: CloseCode.protocolError, reason: reason)
  }
}

extension [UInt8] {
  var isUTF8: Bool { (try? UTF8Span(validating: span)) != nil }
}
