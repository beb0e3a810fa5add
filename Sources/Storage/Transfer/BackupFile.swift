internal import Compression
internal import Crypto
internal import Glibc

/// A backup to be read.
package final class BackupFile: TableSource {
  package let path: String
  package let manifest: BackupManifest
  package var name: String { path }
  private let bytes: FileBytes

  /// Reads the manifest and checks that it is whole; the tables are checked by `verify`.
  package init(_ path: String) throws {
    self.path = path
    bytes = try FileBytes(path)
    let mark = BackupLayout.mark
    guard bytes.count >= mark.count, try bytes.read(0..<mark.count) == mark else {
      throw TransferError.notABackup(path: path)
    }
    manifest = try Self.manifest(in: bytes)
    try checkLayout()
  }

  private static func manifest(in bytes: FileBytes) throws(TransferError) -> BackupManifest {
    let path = bytes.path
    let end = bytes.count - BackupLayout.endBytes
    guard end >= BackupLayout.mark.count else { throw .damaged(path: path, reason: "its end is absent") }
    let tail = try bytes.read(end..<bytes.count)
    guard tail.suffix(8).elementsEqual(BackupLayout.endMark) else {
      throw .damaged(path: path, reason: "its end is absent")
    }
    let offset = BackupLayout.value(tail[0..<8], as: UInt64.self)
    let count = BackupLayout.value(tail[8..<16], as: UInt64.self)
    guard count <= UInt64(BackupLayout.largestManifest), offset <= UInt64(end), UInt64(end) - offset == count else {
      throw .damaged(path: path, reason: "its end does not say where the list of tables is")
    }
    let text = try bytes.read(Int(offset)..<end)
    var hash = SHA256()
    hash.update(text)
    guard hash.digest().elementsEqual(tail[16..<48]) else {
      throw .damaged(path: path, reason: "its list of tables has another checksum than it should")
    }
    return try BackupManifest.decode(text, path: path)
  }

  /// The blocks of the tables lie one after the other, and nothing between them.
  private func checkLayout() throws(TransferError) {
    var next = BackupLayout.mark.count
    for entry in manifest.tables {
      guard entry.offset == next, entry.bytes >= 0, entry.rows >= 0, entry.bytes <= bytes.count - next else {
        throw .damaged(path: path, reason: "the table \(entry.table.name) is not where it should be")
      }
      next += entry.bytes
    }
    guard Set(manifest.tables.map(\.table.name)).count == manifest.tables.count else {
      throw .damaged(path: path, reason: "a table is there twice")
    }
  }

  /// Reads everything once and compares checksums.
  ///
  /// - Parameter note: hears how much was read of how many bytes; an error from it ends everything.
  package func verify(note: (Int, Int) throws -> Void = { _, _ in }) throws {
    for entry in manifest.tables {
      var hash = SHA256()
      var place = entry.offset
      while place < entry.offset + entry.bytes {
        let part = place..<min(place + 1 << 20, entry.offset + entry.bytes)
        hash.update(try bytes.read(part))
        place = part.upperBound
        try note(place, bytes.count)
      }
      guard hash.hexDigest() == entry.sha256 else {
        throw TransferError.damaged(
          path: path, reason: "the table \(entry.table.name) has another checksum than it should")
      }
    }
  }

  // MARK: Tables

  package func tables() -> [StoredTable] { manifest.tables.map(\.table) }

  package func rows(of table: StoredTable) throws -> Int { try entry(table).rows }

  package func read(_ table: StoredTable, _ body: (TableBatch) throws -> Void) throws {
    let entry = try entry(table)
    let decoder = ZstdBlockDecoder()
    var digest = ContentDigest()
    var plain: [UInt8] = []
    var place = entry.offset
    let end = entry.offset + entry.bytes
    while place < end {
      guard place + 8 <= end else { throw damaged(table) }
      let head = try bytes.read(place..<place + 8)
      let packed = Int(BackupLayout.value(head[0..<4], as: UInt32.self))
      let count = Int(BackupLayout.value(head[4..<8], as: UInt32.self))
      place += 8
      guard packed <= end - place, count <= BackupLayout.largestBlock else { throw damaged(table) }
      guard decoder.decode(try bytes.read(place..<place + packed)[...], count: count, into: &plain),
        let batch = TableBlock.decode(plain, table.columns)
      else { throw damaged(table) }
      place += packed
      digest.add(batch)
      try body(batch)
    }
    guard digest.rows == entry.rows, digest.text == entry.digest else { throw damaged(table) }
  }

  private func entry(_ table: StoredTable) throws(TransferError) -> BackupManifest.Table {
    guard let entry = manifest.tables.first(where: { $0.table == table }) else {
      throw .damaged(path: path, reason: "the table \(table.name) is absent")
    }
    return entry
  }

  private func damaged(_ table: StoredTable) -> TransferError {
    .damaged(path: path, reason: "the table \(table.name) does not say what the list of tables promises")
  }
}

/// An open file, any part of which can be read.
private final class FileBytes {
  let path: String
  let count: Int
  private let descriptor: Int32

  init(_ path: String) throws(TransferError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      count = 0
      throw .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      count = 0
      throw .unreadable(path: path, reason: "it is not a file")
    }
    count = Int(status.st_size)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  func read(_ range: Range<Int>) throws(TransferError) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: range.count)
    var filled = 0
    while filled < result.count {
      let count = result.withUnsafeMutableBytes { buffer in
        pread(descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled, range.lowerBound + filled)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .unreadable(path: path, reason: String(cString: strerror(errno))) }
      guard count > 0 else { throw .damaged(path: path, reason: "it ends too early") }
      filled += count
    }
    return result
  }
}
