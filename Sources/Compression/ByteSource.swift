/// Bytes in order, decompressed on the way, in bounded memory.
package protocol ByteSource: AnyObject {
  /// Puts at least one byte into `buffer` from `start` on and returns how many; 0 at the proper end of the data.
  func read(into buffer: inout [UInt8], from start: Int) throws(CompressionError) -> Int
}

/// How a file is packed, told by its first bytes and not by its name.
package enum Packing: Sendable {
  case plain, gzip, zip, zstd

  package init(firstBytes: some Collection<UInt8>) {
    self =
      firstBytes.starts(with: [0x1F, 0x8B])
      ? .gzip
      : firstBytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) || firstBytes.starts(with: [0x50, 0x4B, 0x05, 0x06])
        ? .zip
        : firstBytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) ? .zstd : .plain
  }
}
