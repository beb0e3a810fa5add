internal import FoundationEssentials
internal import Glibc

/// A call on a file that failed.
package struct FileFailure: Error, Equatable, CustomStringConvertible {
  package let operation: String
  package let path: String
  package let code: Int32

  package var description: String { "cannot \(operation) \(path): \(String(cString: strerror(code)))" }
}

/// Whole files, written so that after a crash they are there entirely or not at all.
enum DurableFile {
  static func read(_ path: String, atMost limit: Int) throws(FileFailure) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("read", path) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw FileFailure(operation: "read", path: path, code: EISDIR) }
    guard status.st_size <= limit else { throw FileFailure(operation: "read", path: path, code: EFBIG) }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes { buffer in
        Glibc.read(descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure("read", path) }
      filled += count
    }
    return bytes
  }

  /// Makes a new file and waits until it is on disk.
  static func create(_ path: String, _ bytes: [UInt8]) throws(FileFailure) {
    try write(bytes, to: path, flags: O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC)
  }

  static func append(_ bytes: [UInt8], to path: String) throws(FileFailure) {
    try write(bytes, to: path, flags: O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC)
  }

  /// Readers see the old bytes or the new ones.
  static func replace(_ path: String, with bytes: [UInt8]) throws(FileFailure) {
    let temporary = path + ".new"
    unlink(temporary)
    try create(temporary, bytes)
    try move(temporary, to: path)
  }

  /// Renames and waits until both folders know it.
  static func move(_ source: String, to destination: String) throws(FileFailure) {
    guard rename(source, destination) == 0 else { throw failure("move to \(destination)", source) }
    try syncFolder(folder(of: destination))
    if folder(of: source) != folder(of: destination) { try syncFolder(folder(of: source)) }
  }

  static func truncate(_ path: String, to count: Int) throws(FileFailure) {
    let descriptor = open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { close(descriptor) }
    guard ftruncate(descriptor, count) == 0, fsync(descriptor) == 0 else { throw failure("shorten", path) }
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  static func makeFolder(_ path: String) throws(FileFailure) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw failure("make folder", path)
    }
  }

  static func remove(_ path: String) throws(FileFailure) {
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      throw failure("remove", path)
    }
  }

  /// Names in a folder, in order; none if there is no such folder.
  static func names(in path: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }

  static func syncFolder(_ path: String) throws(FileFailure) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("sync", path) }
  }

  static func failure(_ operation: String, _ path: String) -> FileFailure {
    FileFailure(operation: operation, path: path, code: errno)
  }

  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// A failed write is taken back: a new file vanishes, an old one has its old length.
  private static func write(_ bytes: [UInt8], to path: String, flags: Int32) throws(FileFailure) {
    let isNew = flags & O_EXCL != 0
    let descriptor = open(path, flags, 0o644)
    guard descriptor >= 0 else { throw failure(isNew ? "create" : "open", path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("open", path) }
    guard writeAll(bytes, descriptor), fsync(descriptor) == 0 else {
      let failure = failure("write", path)
      if isNew { unlink(path) } else { ftruncate(descriptor, status.st_size) }
      throw failure
    }
  }

  private static func writeAll(_ bytes: [UInt8], _ descriptor: Int32) -> Bool {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        Glibc.write(descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      written += count
    }
    return true
  }
}
