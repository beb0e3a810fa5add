internal import Glibc

/// Takes bytes in order.
package protocol ByteSink: AnyObject {
  func write(_ bytes: ArraySlice<UInt8>) throws(CompressionError)
}

/// A new file, closed with its last reference.
package final class OutputFile: ByteSink {
  package let path: String
  private let descriptor: Int32

  /// A file that is there already is emptied.
  package init(path: String) throws(CompressionError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .cannotWrite(path: path, reason: String(cString: strerror(errno))) }
  }

  deinit { close(descriptor) }

  package func write(_ bytes: ArraySlice<UInt8>) throws(CompressionError) {
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        throw .cannotWrite(path: path, reason: String(cString: strerror(errno)))
      }
    }
  }
}

/// What was written, in memory.
package final class OutputBytes: ByteSink {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package func write(_ bytes: ArraySlice<UInt8>) { self.bytes += bytes }
}
