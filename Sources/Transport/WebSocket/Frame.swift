/// The wire format of RFC 6455, section 5.2.
enum Frame {
  enum Opcode: UInt8 {
    case continuation = 0
    case text = 1
    case binary = 2
    case close = 8
    case ping = 9
    case pong = 10

    var isControl: Bool { rawValue >= 8 }
  }

  static let maxControlBytes = 125

  /// Adds one whole frame to `output`. Clients give a mask, servers none.
  static func write(
    _ opcode: Opcode, _ payload: [UInt8], mask: UInt32?, isCompressed: Bool = false, to output: inout [UInt8]
  ) {
    output.reserveCapacity(output.count + payload.count + 14)
    output.append(0x80 | (isCompressed ? 0x40 : 0) | opcode.rawValue)
    let maskBit: UInt8 = mask == nil ? 0 : 0x80
    switch payload.count {
    case ..<126: output.append(maskBit | UInt8(payload.count))
    case ..<65_536:
      output.append(maskBit | 126)
      append(UInt64(payload.count), bytes: 2, to: &output)
    default:
      output.append(maskBit | 127)
      append(UInt64(payload.count), bytes: 8, to: &output)
    }
    guard let mask else { return output.append(contentsOf: payload) }
    append(UInt64(mask), bytes: 4, to: &output)
    let start = output.count
    output.append(contentsOf: payload)
    output.withUnsafeMutableBytes { unmask(UnsafeMutableRawBufferPointer(rebasing: $0[start...]), mask, from: 0) }
  }

  static func write(close code: UInt16?, _ reason: String, mask: UInt32?, to output: inout [UInt8]) {
    var payload: [UInt8] = []
    if let code {
      append(UInt64(code), bytes: 2, to: &payload)
      payload += shortened(reason).utf8
    }
    write(.close, payload, mask: mask, to: &output)
  }

  /// At most what a control frame holds beside the code, cut between characters.
  private static func shortened(_ reason: String) -> Substring {
    var rest = reason[...]
    while rest.utf8.count > maxControlBytes - 2 { rest.removeLast() }
    return rest
  }

  /// Masking and unmasking are the same operation; `position` is that of the first byte in its frame's payload.
  static func unmask(_ bytes: UnsafeMutableRawBufferPointer, _ mask: UInt32, from position: Int) {
    let turned = rotated(mask, by: position).bigEndian
    let wide = UInt64(turned) << 32 | UInt64(turned)
    var index = 0
    while index + 8 <= bytes.count {
      let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      bytes.storeBytes(of: word ^ wide, toByteOffset: index, as: UInt64.self)
      index += 8
    }
    while index < bytes.count {
      bytes[index] ^= UInt8(truncatingIfNeeded: turned >> (UInt32(index & 3) * 8))
      index += 1
    }
  }

  private static func rotated(_ mask: UInt32, by position: Int) -> UInt32 {
    let bits = UInt32(position & 3) * 8
    return bits == 0 ? mask : mask << bits | mask >> (32 - bits)
  }

  private static func append(_ value: UInt64, bytes: Int, to output: inout [UInt8]) {
    for index in (0..<bytes).reversed() { output.append(UInt8(truncatingIfNeeded: value >> (UInt64(index) * 8))) }
  }
}
