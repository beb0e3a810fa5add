internal import Glibc

extension DuckDBStore {
  /// A running service lets go of its commits for a moment; who is busy with something longer is not waited for.
  private static let patienceMilliseconds: Int32 = 15_000
  private static let copySuffix = ".copy-"

  /// The store to read from. Where another program has it open and lends it, a copy of it as it is now, which has no
  /// name any more when it is open and so ends with the store.
  package static func openForReading(path: String, memoryMegabytes: Int = 256) throws(StoreError) -> DuckDBStore {
    do {
      return try DuckDBStore(path: path, mode: .readOnly, memoryMegabytes: memoryMegabytes)
    } catch {
      guard case .locked = error, !error.isHeldHere, let copy = try copyLent(path) else { throw error }
      defer { remove(copy) }
      return try DuckDBStore(copy: copy, of: path, memoryMegabytes: memoryMegabytes)
    }
  }

  /// - Returns: the path of a copy, `nil` if nobody lends the store.
  static func copyLent(_ path: String) throws(StoreError) -> String? {
    guard let owner = StoreSocket.connected(to: path),
      owner.receive(withinMilliseconds: patienceMilliseconds) == .still
    else { return nil }
    removeAbandonedCopies(of: path)
    let copy = "\(path)\(copySuffix)\(getpid())"
    do throws(StoreError) {
      try copyFile(path, to: copy)
      if access(path + ".wal", F_OK) == 0 { try copyFile(path + ".wal", to: copy + ".wal") }
      guard owner.send(.copied), owner.receive(withinMilliseconds: patienceMilliseconds) == .noted else {
        throw .failed(path: path, reason: "its owner could not wait until it was copied; try again")
      }
      return copy
    } catch {
      remove(copy)
      throw error
    }
  }

  private static func copyFile(_ path: String, to copy: String) throws(StoreError) {
    func failure() -> StoreError {
      .failed(
        path: path,
        reason: "another program has it open, and no copy can be made beside it: \(String(cString: strerror(errno)))")
    }
    let source = open(path, O_RDONLY | O_CLOEXEC)
    guard source >= 0 else { throw failure() }
    defer { close(source) }
    let target = open(copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard target >= 0 else { throw failure() }
    defer { close(target) }
    while true {
      let count = sendfile(target, source, nil, 1 << 30)
      guard count != 0 else { return }
      guard count > 0 || errno == EINTR else { throw failure() }
    }
  }

  private static func remove(_ copy: String) {
    unlink(copy)
    for path in filesBeside(copy) { unlink(path) }
  }

  /// Whoever is killed before the copy is open leaves it behind; its name says whose it was.
  private static func removeAbandonedCopies(of path: String) {
    let folder = StoreLocation.duckDB(path: path).folder
    let beginning = (path.split(separator: "/").last.map(String.init) ?? path) + copySuffix
    guard let entries = opendir(folder) else { return }
    defer { closedir(entries) }
    while let entry = readdir(entries) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasPrefix(beginning),
        let process = pid_t(name.dropFirst(beginning.count).prefix { $0.isNumber }), kill(process, 0) != 0,
        errno == ESRCH
      else { continue }
      unlink(folder + "/" + name)
    }
  }
}
