internal import Crypto

/// The 32 bytes that name a stream; the first two are the version of its reports' schema.
package struct FeedID: Hashable, Sendable {
  package let bytes: [UInt8]

  /// `nil` unless there are 32 bytes.
  package init?(_ bytes: some Sequence<UInt8>) {
    self.bytes = Array(bytes)
    guard self.bytes.count == 32 else { return nil }
  }

  /// Reads `0x` and 64 hexadecimal digits.
  package init?(_ text: String) {
    guard text.hasPrefix("0x"), let bytes = [UInt8](hexadecimal: text.utf8.dropFirst(2)) else { return nil }
    self.init(bytes)
  }

  package var schemaVersion: UInt16 { UInt16(bytes[0]) << 8 | UInt16(bytes[1]) }

  /// BTC/USD on the main network.
  package static let bitcoin = FeedID(trusted: [
    0x00, 0x03, 0x9D, 0x9E, 0x45, 0x39, 0x4F, 0x47, 0x3A, 0xB1, 0xF0, 0x50, 0xA1, 0xB9, 0x63, 0xE6,
    0xB0, 0x53, 0x51, 0xE5, 0x2D, 0x71, 0xE5, 0x07, 0x50, 0x9A, 0xDA, 0x0C, 0x95, 0xED, 0x75, 0xB8,
  ])

  private init(trusted bytes: [UInt8]) { self.bytes = bytes }
}

extension FeedID: CustomStringConvertible {
  package var description: String { "0x" + bytes.hexadecimal }
}
