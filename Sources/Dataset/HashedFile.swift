internal import Crypto
internal import FoundationEssentials
internal import Glibc

/// A file of columns that is not there before it is whole.
///
/// Layout: eight magic bytes, the header's length as UInt64, the header as JSON, then 64-byte aligned little-endian
/// columns (see `DatasetColumn`), then the SHA-256 of everything before it as 64 hexadecimal digits.
struct HashedFile: ~Copyable {
  private let path: String
  private let temporaryPath: String
  private let descriptor: Int32
  private var hash = SHA256()
  private var position = 0

  init(path: String) throws(DatasetError) {
    self.path = path
    temporaryPath = path + ".partial-\(getpid())"
    descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw .cannotWrite(path: path, reason: String(cString: strerror(errno)))
    }
  }

  deinit {
    close(descriptor)
    unlink(temporaryPath)
  }

  mutating func writePreamble(_ header: some Encodable, magic: [UInt8]) throws(DatasetError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    guard let json = try? [UInt8](encoder.encode(header)) else { throw .cannotWrite(path: path, reason: "header") }
    try write(magic)
    try write([UInt64(json.count)])
    try write(json)
  }

  mutating func write<Element: BitwiseCopyable>(_ elements: [Element]) throws(DatasetError) {
    let padding = position.roundedUp(toMultipleOf: DatasetColumn.alignment(of: Element.self)) - position
    try writeBytes([UInt8](repeating: 0, count: padding))
    let error: DatasetError? = elements.withUnsafeBytes { bytes in
      do throws(DatasetError) { try writeRaw(bytes) } catch { return error }
      return nil
    }
    if let error { throw error }
  }

  private mutating func writeBytes(_ bytes: [UInt8]) throws(DatasetError) {
    let error: DatasetError? = bytes.withUnsafeBytes { bytes in
      do throws(DatasetError) { try writeRaw(bytes) } catch { return error }
      return nil
    }
    if let error { throw error }
  }

  private mutating func writeRaw(_ bytes: UnsafeRawBufferPointer) throws(DatasetError) {
    hash.update(bytes)
    position += bytes.count
    var rest = bytes
    while !rest.isEmpty {
      let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { throw .cannotWrite(path: path, reason: String(cString: strerror(errno))) }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
    }
  }

  mutating func finish() throws(DatasetError) -> String {
    var finished = SHA256()
    swap(&finished, &hash)
    let digest = finished.hexDigest()
    try writeBytes(Array(digest.utf8))
    guard fsync(descriptor) == 0, rename(temporaryPath, path) == 0 else {
      throw .cannotWrite(path: path, reason: String(cString: strerror(errno)))
    }
    return digest
  }
}
