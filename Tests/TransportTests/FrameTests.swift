import Compression
import Market
import TestSupport
import Testing

@testable import Transport

struct FrameTests {
  private static func events(
    _ bytes: [UInt8], masked: Bool = false, limit: Int = 1 << 20, inflater: MessageInflater? = nil, chunk: Int = .max
  ) throws -> [FrameReader.Event] {
    var reader = FrameReader(expectsMasks: masked, maxMessageBytes: limit, inflater: inflater)
    var events: [FrameReader.Event] = []
    var index = 0
    while index < bytes.count {
      let end = min(bytes.count, index + min(chunk, bytes.count))
      try bytes.withUnsafeBytes { bytes in
        try reader.read(UnsafeRawBufferPointer(rebasing: bytes[index..<end])) { events.append($0) }
      }
      index = end
    }
    return events
  }

  private static let hello = WebSocketMessage.text(Array("Hello".utf8))

  // RFC 6455, section 5.7.
  @Test func `the examples of RFC 6455 are read`() throws {
    #expect(try Self.events([0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F]) == [.message(Self.hello)])
    let masked: [UInt8] = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
    #expect(try Self.events(masked, masked: true) == [.message(Self.hello)])
    #expect(try Self.events([0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F]) == [.message(Self.hello)])
    #expect(try Self.events([0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F]) == [.ping(Self.hello.bytes)])
    var frame: [UInt8] = []
    Frame.write(.text, Self.hello.bytes, mask: 0x37FA_213D, to: &frame)
    #expect(frame == masked)
  }

  // RFC 7692, section 7.2.3: one block, fragments, a shared window, no compression, a final block, two blocks.
  @Test(
    arguments: [
      [0xC1, 0x07, 0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
      [0x41, 0x03, 0xF2, 0x48, 0xCD, 0x80, 0x04, 0xC9, 0xC9, 0x07, 0x00],
      [0xC1, 0x0B, 0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
      [0xC1, 0x08, 0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
      [0xC1, 0x0D, 0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
    ] as [[UInt8]])
  func `the examples of RFC 7692 are read`(bytes: [UInt8]) throws {
    #expect(try Self.events(bytes, inflater: MessageInflater(forgets: false)) == [.message(Self.hello)])
  }

  @Test func `a message may refer to the one before`() throws {
    let first: [UInt8] = [0xC1, 0x07, 0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
    let second: [UInt8] = [0xC1, 0x05, 0xF2, 0x00, 0x11, 0x00, 0x00]
    let events = try Self.events(first + second, inflater: MessageInflater(forgets: false))
    #expect(events == [.message(Self.hello), .message(Self.hello)])
  }

  @Test func `the key of RFC 6455 is accepted as there`() {
    #expect(Handshake.accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  }

  @Test(arguments: Soak.seeds(40))
  func `what is written is read, however it is cut`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let isMasked = Bool.random(using: &random)
    let isCompressed = Bool.random(using: &random)
    let deflater = MessageDeflater(forgets: false)
    var wire: [UInt8] = []
    var sent: [FrameReader.Event] = []
    for _ in 0..<20 {
      let count = [0, 1, 5, 125, 126, 127, 4_000, 65_535, 65_536].randomElement(using: &random) ?? 0
      let bytes = (0..<count).map { _ in UInt8.random(in: 32..<127, using: &random) }
      sent.append(.message(.text(bytes)))
      let mask = isMasked ? UInt32.random(in: .min ... .max, using: &random) : nil
      let payload = isCompressed ? deflater.deflate(bytes) : bytes
      var frame: [UInt8] = []
      Frame.write(.text, payload, mask: mask, isCompressed: isCompressed, to: &frame)
      // Split into a first and a last fragment, with a ping between them.
      if let cut = payload.indices.randomElement(using: &random), Bool.random(using: &random) {
        frame = []
        Frame.write(.text, Array(payload[..<cut]), mask: mask, isCompressed: isCompressed, to: &frame)
        frame[0] &= 0x7F
        Frame.write(.ping, [1, 2, 3], mask: mask, to: &frame)
        Frame.write(.continuation, Array(payload[cut...]), mask: mask, to: &frame)
        sent.insert(.ping([1, 2, 3]), at: sent.count - 1)
      }
      wire += frame
    }
    let inflater = isCompressed ? MessageInflater(forgets: false) : nil
    let chunk = Int.random(in: 1...70_000, using: &random)
    #expect(try Self.events(wire, masked: isMasked, inflater: inflater, chunk: chunk) == sent)
  }

  @Test(arguments: Soak.seeds(400))
  func `garbage is a violation or a message, never a trap`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var wire: [UInt8] = []
    for _ in 0..<5 {
      let count = Int.random(in: 0...300, using: &random)
      let payload = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
      Frame.write(
        [.text, .binary, .ping, .close, .continuation].randomElement(using: &random) ?? .text, payload, mask: 7,
        isCompressed: Bool.random(using: &random), to: &wire)
    }
    for _ in 0..<Int.random(in: 0...8, using: &random) {
      wire[Int.random(in: wire.indices, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
    }
    _ = try? Self.events(
      wire, masked: true, limit: 1_000, inflater: MessageInflater(forgets: false),
      chunk: Int.random(in: 1...100, using: &random))
  }

  @Test(
    arguments: [
      ([0x83, 0x00], 1002), ([0xB1, 0x00], 1002), ([0xC1, 0x00], 1002), ([0x81, 0x80, 0, 0, 0, 0], 1002),
      ([0x80, 0x00], 1002), ([0x01, 0x00, 0x81, 0x00], 1002), ([0x09, 0x00], 1002), ([0x89, 0x7E, 0, 126], 1002),
      ([0x88, 0x01, 3], 1002), ([0x88, 0x02, 3, 0xED], 1002), ([0x88, 0x02, 0, 0], 1002), ([0x81, 0x01, 0xFF], 1007),
      ([0x88, 0x03, 3, 0xE8, 0xFF], 1007), ([0x81, 0x7E, 0x00, 0x7D], 1002), ([0x82, 0x7E, 0xFF, 0xFF], 1009),
      ([0x82, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], 1002),
      ([0x82, 0x7F, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], 1009),
    ] as [([UInt8], UInt16)])
  func `what the protocol forbids is refused with its code`(bytes: [UInt8], code: UInt16) {
    let violation = #expect(throws: FrameReader.Violation.self) { try Self.events(bytes, limit: 1_000) }
    #expect(violation?.code == code)
  }

  @Test func `fragments together may not exceed the limit, nor may what is inflated`() {
    let fragments: [UInt8] = [0x02, 0x03, 1, 2, 3, 0x80, 0x03, 4, 5, 6]
    #expect(throws: FrameReader.Violation.self) { try Self.events(fragments, limit: 5) }
    var bomb: [UInt8] = []
    let zeros = [UInt8](repeating: 0, count: 1 << 20)
    Frame.write(.binary, MessageDeflater(forgets: true).deflate(zeros), mask: nil, isCompressed: true, to: &bomb)
    #expect(bomb.count < 2_000)
    let violation = #expect(throws: FrameReader.Violation.self) {
      try Self.events(bomb, limit: 1 << 20 - 1, inflater: MessageInflater(forgets: true))
    }
    #expect(violation?.code == 1009)
  }
}
