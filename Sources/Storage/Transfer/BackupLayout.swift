/// Where things stand in a backup: a mark, the blocks of all tables, the manifest, and an end that says where it is.
///
/// A block is two lengths of four bytes, packed and unpacked, and a zstd frame.
enum BackupLayout {
  static let mark = Array("CANDLECAST BACKUP\r\n".utf8)
  static let endMark = Array("CANDLEND".utf8)
  /// Manifest's offset and length, its SHA-256, and the mark.
  static let endBytes = 8 + 8 + 32 + 8
  static let largestManifest = 64 << 20
  static let largestBlock = 256 << 20

  static func end(manifestAt offset: Int, bytes: Int, sha256: [UInt8]) -> [UInt8] {
    word(UInt64(offset)) + word(UInt64(bytes)) + sha256 + endMark
  }

  static func word(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  static func value<Word: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>, as type: Word.Type) -> Word {
    precondition(bytes.count == MemoryLayout<Word>.size, "a word of another length")
    return bytes.reversed().reduce(0) { $0 << 8 | Word(truncatingIfNeeded: $1) }
  }
}
