/// One file as the central directory of a zip describes it.
struct ZipEntry {
  let isDeflated: Bool
  let checksum: UInt32
  let compressedSize: Int
  let size: Int
  let headerOffset: Int
}

/// Reads the directory at the end of a zip (PKWARE APPNOTE 4.3), without zip64, encryption and volumes.
enum ZipDirectory {
  private static let endLength = 22
  private static let entryLength = 46
  private static let headerLength = 30
  private static let largestDirectory = 1 << 20

  /// The files in it; folders are left out.
  static func entries(of file: any PackedInput) throws(CompressionError) -> [ZipEntry] {
    let tailLength = min(file.size, endLength + 0xFFFF)
    guard let tail = try file.bytes(at: file.size - tailLength, count: tailLength),
      let end = endOffset(in: tail)
    else { throw .truncated(path: file.path, format: "zip") }
    let count = tail.word16(at: end + 10)
    let length = Int(tail.word32(at: end + 12))
    let offset = Int(tail.word32(at: end + 16))
    guard count != 0xFFFF, length != 0xFFFF_FFFF, offset != 0xFFFF_FFFF else {
      throw .unsupported(path: file.path, format: "zip", reason: "zip64 is not supported")
    }
    guard length <= largestDirectory, offset + length <= file.size - tailLength + end,
      let directory = try file.bytes(at: offset, count: length)
    else { throw damaged(file, "its directory lies outside the file") }
    return try entries(in: directory, count: count, of: file)
  }

  private static func endOffset(in tail: [UInt8]) -> Int? {
    guard tail.count >= endLength else { return nil }
    return (0...tail.count - endLength).last { offset in
      tail.word32(at: offset) == 0x0605_4B50 && offset + endLength + tail.word16(at: offset + 20) == tail.count
    }
  }

  private static func entries(
    in directory: [UInt8], count: Int, of file: any PackedInput
  ) throws(CompressionError) -> [ZipEntry] {
    var entries: [ZipEntry] = []
    var offset = 0
    for _ in 0..<count {
      guard offset + entryLength <= directory.count, directory.word32(at: offset) == 0x0201_4B50 else {
        throw damaged(file, "its directory is not whole")
      }
      let nameLength = directory.word16(at: offset + 28)
      let next =
        offset + entryLength + nameLength + directory.word16(at: offset + 30) + directory.word16(at: offset + 32)
      guard next <= directory.count else { throw damaged(file, "its directory is not whole") }
      let isFolder = nameLength > 0 && directory[offset + entryLength + nameLength - 1] == UInt8(ascii: "/")
      if !isFolder { entries.append(try entry(in: directory, at: offset, of: file)) }
      offset = next
    }
    return entries
  }

  private static func entry(in directory: [UInt8], at offset: Int, of file: any PackedInput) throws(CompressionError)
    -> ZipEntry
  {
    let method = directory.word16(at: offset + 10)
    guard directory.word16(at: offset + 8) & 1 == 0 else {
      throw .unsupported(path: file.path, format: "zip", reason: "it is encrypted")
    }
    guard method == 0 || method == 8 else {
      throw .unsupported(path: file.path, format: "zip", reason: "compression method \(method)")
    }
    let entry = ZipEntry(
      isDeflated: method == 8, checksum: directory.word32(at: offset + 16),
      compressedSize: Int(directory.word32(at: offset + 20)), size: Int(directory.word32(at: offset + 24)),
      headerOffset: Int(directory.word32(at: offset + 42)))
    guard entry.isDeflated || entry.size == entry.compressedSize else { throw damaged(file, "a size differs") }
    return entry
  }

  /// Where an entry's data start: behind its own header, whose length may differ from the directory's.
  static func dataOffset(of entry: ZipEntry, in file: any PackedInput) throws(CompressionError) -> Int {
    guard let header = try file.bytes(at: entry.headerOffset, count: headerLength),
      header.word32(at: 0) == 0x0403_4B50
    else { throw damaged(file, "a file's header is missing") }
    let offset = entry.headerOffset + headerLength + header.word16(at: 26) + header.word16(at: 28)
    guard offset + entry.compressedSize <= file.size else { throw damaged(file, "a file lies outside the archive") }
    return offset
  }

  private static func damaged(_ file: any PackedInput, _ reason: String) -> CompressionError {
    .corrupt(path: file.path, format: "zip", reason: reason)
  }
}

extension [UInt8] {
  fileprivate func word16(at offset: Int) -> Int { Int(self[offset]) | Int(self[offset + 1]) << 8 }

  fileprivate func word32(at offset: Int) -> UInt32 {
    UInt32(word16(at: offset)) | UInt32(word16(at: offset + 2)) << 16
  }
}
