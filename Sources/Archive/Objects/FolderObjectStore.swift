internal import FoundationEssentials
internal import Glibc

/// Objects as files below a folder.
package struct FolderObjectStore: ObjectStore {
  private static let pieceBytes = 1 << 20
  private static let partial = ".partial-"

  private let folder: String

  /// The folder is made when something is written.
  package init(_ folder: String) {
    self.folder = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
  }

  package var url: String { folder }

  package func localPath(_ key: String) -> String? { path(key) }

  private func path(_ key: String) -> String { folder + "/" + key }

  package func list(_ prefix: String) async throws(ObjectError) -> [ObjectEntry] {
    let start = prefix.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    let root = start.isEmpty ? folder : path(start)
    guard access(root, F_OK) == 0 else { return [] }
    let names: [String]
    do { names = try FileManager.default.subpathsOfDirectory(atPath: root) } catch {
      throw Self.failure(root, "listed")
    }
    let keys = names.map { start.isEmpty ? $0 : start + "/" + $0 }
    return keys.filter { $0.hasPrefix(prefix) && !$0.contains(Self.partial) }.sorted(by: {
      $0.utf8.lexicographicallyPrecedes($1.utf8)
    })
    .compactMap { key in
      var status = stat()
      guard stat(path(key), &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
      return ObjectEntry(key: key, bytes: Int(status.st_size))
    }
  }

  package func read(_ key: String, _ take: ([UInt8]) throws(ObjectError) -> Void) async throws(ObjectError) {
    let path = path(key)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw errno == ENOENT ? .absent(object: path) : Self.failure(path, "opened") }
    defer { close(descriptor) }
    while true {
      let piece = try Self.piece(descriptor, path)
      guard !piece.isEmpty else { return }
      try take(piece)
    }
  }

  package func tag(_ key: String) async throws(ObjectError) -> String? {
    var status = stat()
    guard stat(path(key), &status) == 0 else {
      if errno == ENOENT { return nil }
      throw Self.failure(path(key), "looked at")
    }
    return "\(status.st_ino)-\(status.st_size)-\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
  }

  /// A link that another name has already is refused, so of two writers one wins, with a whole file.
  package func create(
    _ key: String, from source: String, sha256: String
  ) async throws(ObjectError) -> Bool {
    let path = path(key)
    guard access(path, F_OK) != 0 else { return false }
    let parent = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    do { try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true) } catch {
      throw Self.failure(parent, "made")
    }
    let partial = path + Self.partial + String(getpid())
    defer { unlink(partial) }
    try Self.copy(source, to: partial)
    guard link(partial, path) == 0 else {
      guard errno == EEXIST else { throw Self.failure(path, "written") }
      return false
    }
    try Self.sync(parent)
    return true
  }

  private static func copy(_ source: String, to destination: String) throws(ObjectError) {
    let input = open(source, O_RDONLY | O_CLOEXEC)
    guard input >= 0 else { throw failure(source, "opened") }
    defer { close(input) }
    let output = open(destination, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard output >= 0 else { throw failure(destination, "written") }
    defer { close(output) }
    while true {
      var piece = try piece(input, source)[...]
      guard !piece.isEmpty else { break }
      while !piece.isEmpty {
        let count = piece.withUnsafeBytes { write(output, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw failure(destination, "written") }
        piece = piece.dropFirst(count)
      }
    }
    guard fsync(output) == 0 else { throw failure(destination, "written") }
  }

  private static func piece(_ descriptor: Int32, _ path: String) throws(ObjectError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: pieceBytes)
    while true {
      let count = Glibc.read(descriptor, &bytes, bytes.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure(path, "read") }
      bytes.removeLast(bytes.count - count)
      return bytes
    }
  }

  private static func sync(_ folder: String) throws(ObjectError) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(folder, "opened") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure(folder, "written") }
  }

  private static func failure(_ path: String, _ operation: String) -> ObjectError {
    .local(path: path, operation: operation, reason: String(cString: strerror(errno)))
  }
}
