internal import Glibc

/// A new file that is written beside its place and moved there when it is whole and on disk.
final class UnfinishedFile {
  let path: String
  private let descriptor: Int32
  private var isFinished = false
  private var temporary: String { path + ".unfinished" }

  /// A file that is there already is not touched.
  init(_ path: String) throws(TransferError) {
    self.path = path
    guard access(path, F_OK) != 0 else {
      descriptor = -1
      isFinished = true
      throw .notWritable(path: path, reason: "it is there already")
    }
    descriptor = open(path + ".unfinished", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      isFinished = true
      throw .notWritable(path: path, reason: String(cString: strerror(errno)))
    }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    if !isFinished { unlink(temporary) }
  }

  func write(_ bytes: [UInt8]) throws(TransferError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        throw failure()
      }
    }
  }

  func finish() throws(TransferError) {
    guard fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw failure() }
    isFinished = true
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard handle >= 0 else { throw failure() }
    defer { close(handle) }
    guard fsync(handle) == 0 else { throw failure() }
  }

  private func failure() -> TransferError { .notWritable(path: path, reason: String(cString: strerror(errno))) }
}
