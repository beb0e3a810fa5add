internal import Glibc

/// Copies of the blocks that the next checkpoint may write where they stand, in a file beside the database.
///
/// A checkpoint puts rows into free blocks and then turns a header over to them. The catalogue of what lies where shares
/// its blocks of 256 KiB with that of the checkpoint before, so these are written in place: who is killed, or has no more
/// power, within such a write leaves a block that is neither, which DuckDB calls corrupt. As long as the headers are
/// those that the copies were made under, no checkpoint has come to its end, and the copies are what belongs there.
final class DoublewriteFile {
  static let suffix = ".doublewrite"
  private static let headerBytes = 3 * 4096
  private static let blockBytes = 256 << 10
  /// The first word after the headers: how many blocks follow it, each with its number before it.
  private static let countBytes = MemoryLayout<Int64>.size

  private let path: String
  private let name: String
  /// Of the database. Closing it would give up DuckDB's lock on the file, so it stays as long as the database is open.
  private let database: Int32
  private let copies: Int32
  /// Those that the copies were made under.
  private var headers: [UInt8] = []

  /// - Parameters:
  ///   - file: a database that this process has open for writing.
  ///   - name: stands for it in errors.
  init(beside file: String, name: String) throws(StoreError) {
    (path, self.name) = (file + Self.suffix, name)
    database = open(file, O_RDWR | O_CLOEXEC)
    copies = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard database >= 0, copies >= 0 else { throw failure("cannot open") }
  }

  /// To be dropped after the database was closed. Nothing is left to undo then.
  deinit {
    var lock = flock(l_type: Int16(F_WRLCK), l_whence: Int16(SEEK_SET), l_start: 0, l_len: 0, l_pid: 0)
    // Who has it open by now has copies of its own.
    if database >= 0, fcntl(database, F_SETLK, &lock) == 0 { unlink(path) }
    if copies >= 0 { close(copies) }
    if database >= 0 { close(database) }
  }

  /// Makes sure that the copies are those of the last checkpoint; to be called before another one can come.
  ///
  /// - Parameter blocks: numbers of those that hold the catalogue.
  func keep(_ blocks: () throws(StoreError) -> [Int64]) throws(StoreError) {
    var current = [UInt8](repeating: 0, count: Self.headerBytes)
    guard Self.read(&current, database, at: 0) else { return }
    guard current != headers else { return }
    try write(blocks())
    // Whoever is killed before this leaves copies with headers of before, which count for nothing.
    guard Self.write(current, copies, at: 0), fdatasync(copies) == 0 else { throw failure("cannot write") }
    headers = current
  }

  private func write(_ blocks: [Int64]) throws(StoreError) {
    var block = [UInt8](repeating: 0, count: Self.blockBytes)
    var place = Self.headerBytes + Self.countBytes
    var count: Int64 = 0
    for number in blocks where Self.read(&block, database, at: Self.place(of: number)) {
      guard Self.write(Self.bytes(number), copies, at: place),
        Self.write(block, copies, at: place + Self.countBytes)
      else { throw failure("cannot write") }
      place += Self.countBytes + Self.blockBytes
      count += 1
    }
    guard Self.write(Self.bytes(count), copies, at: Self.headerBytes), ftruncate(copies, place) == 0,
      fdatasync(copies) == 0
    else { throw failure("cannot write") }
  }

  private func failure(_ what: String) -> StoreError {
    let reason = "\(what) \(path): \(String(cString: strerror(errno)))"
    return [ENOSPC, EDQUOT, EFBIG].contains(errno)
      ? .diskFull(path: name, reason: reason) : .failed(path: name, reason: reason)
  }

  // MARK: Undoing

  /// Puts copies back over what a checkpoint that did not come to its end has written; to be called before the database
  /// is opened. Where somebody has it open, or it cannot be written, nothing is done.
  static func restore(_ file: String) {
    let copies = open(file + suffix, O_RDONLY | O_CLOEXEC)
    guard copies >= 0 else { return }
    defer { close(copies) }
    let database = open(file, O_RDWR | O_CLOEXEC)
    guard database >= 0 else { return }
    defer { close(database) }
    var lock = flock(l_type: Int16(F_WRLCK), l_whence: Int16(SEEK_SET), l_start: 0, l_len: 0, l_pid: 0)
    guard fcntl(database, F_SETLK, &lock) == 0 else { return }
    var headers = (of: [UInt8](repeating: 0, count: headerBytes), kept: [UInt8](repeating: 0, count: headerBytes))
    guard read(&headers.of, database, at: 0), read(&headers.kept, copies, at: 0), headers.of == headers.kept else {
      return
    }
    guard let count = number(copies, at: headerBytes) else { return }
    var place = headerBytes + countBytes
    var (block, copy) = ([UInt8](repeating: 0, count: blockBytes), [UInt8](repeating: 0, count: blockBytes))
    for _ in 0..<count {
      guard let number = number(copies, at: place), number >= 0, number < 1 << 40,
        read(&copy, copies, at: place + countBytes)
      else { return }
      let isSame = read(&block, database, at: Self.place(of: number)) && block == copy
      guard isSame || write(copy, database, at: Self.place(of: number)) else { return }
      place += countBytes + blockBytes
    }
    fdatasync(database)
  }

  // MARK: Bytes

  private static func place(of block: Int64) -> Int { headerBytes + Int(block) * blockBytes }

  private static func bytes(_ number: Int64) -> [UInt8] { withUnsafeBytes(of: number.littleEndian) { Array($0) } }

  private static func number(_ file: Int32, at place: Int) -> Int64? {
    var bytes = [UInt8](repeating: 0, count: countBytes)
    guard read(&bytes, file, at: place) else { return nil }
    return bytes.reversed().reduce(0) { $0 << 8 | Int64($1) }
  }

  /// Whether all of it was there.
  private static func read(_ bytes: inout [UInt8], _ file: Int32, at place: Int) -> Bool {
    bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, place) == $0.count }
  }

  private static func write(_ bytes: [UInt8], _ file: Int32, at place: Int) -> Bool {
    bytes.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, place) == $0.count }
  }
}
