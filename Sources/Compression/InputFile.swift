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
  package func read(into buffer: inout [UInt8], from start: Int) throws(CompressionError) -> Int {
    try read(into: &buffer, from: start, upTo: buffer.count)
  }

  /// Bytes put into `buffer` from `start` on and before `end`; 0 at the end of the file.
  package func read(into buffer: inout [UInt8], from start: Int, upTo end: Int) throws(CompressionError) -> Int {
    while true {
      let count = buffer.withUnsafeMutableBytes { bytes in
        pread(descriptor, bytes.baseAddress?.advanced(by: start), min(end, bytes.count) - start, position)
      }
      if count >= 0 {
        position += count
        return count
      }
      guard errno == EINTR else { throw .cannotRead(path: path, reason: Self.lastReason) }
    }
  }

  private static var lastReason: String { String(cString: strerror(errno)) }
}
