internal import Glibc

/// A regular file open for reading, closed with its last reference.
package final class InputFile {
  package let path: String
  /// In bytes, when the file was opened.
  package let size: Int
  /// Bytes read so far, or where the last seek went.
  package private(set) var position = 0
  private let descriptor: Int32

  package init(path: String) throws(CompressionError) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .cannotOpen(path: path, reason: Self.lastReason) }
    var status = stat()
    let isRegular = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    self.path = path
    size = Int(status.st_size)
    guard isRegular else { throw .cannotOpen(path: path, reason: "it is not a file") }
  }

  deinit { close(descriptor) }

  package func seek(to offset: Int) { position = offset }

  /// Bytes put into `buffer` from `start` on; 0 at the end of the file.
  package func read(into buffer: inout [UInt8], from start: Int = 0) throws(CompressionError) -> Int {
    while true {
      let count = buffer.withUnsafeMutableBytes { bytes in
        pread(descriptor, bytes.baseAddress?.advanced(by: start), bytes.count - start, position)
      }
      if count >= 0 {
        position += count
        return count
      }
      guard errno == EINTR else { throw .cannotRead(path: path, reason: Self.lastReason) }
    }
  }

  /// Exactly the bytes of a range of the file, or `nil` if the file does not have them.
  package func bytes(at offset: Int, count: Int) throws(CompressionError) -> [UInt8]? {
    guard offset >= 0, count >= 0, offset <= size, count <= size - offset else { return nil }
    guard count > 0 else { return [] }
    var result = [UInt8](repeating: 0, count: count)
    var filled = 0
    seek(to: offset)
    while filled < count {
      let more = try read(into: &result, from: filled)
      guard more > 0 else { return nil }
      filled += more
    }
    return result
  }

  private static var lastReason: String { String(cString: strerror(errno)) }
}
