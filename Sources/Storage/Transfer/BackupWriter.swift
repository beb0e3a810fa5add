internal import Compression
internal import Crypto
package import Market

/// Writes every table of a snapshot into one file, which is there whole or not at all.
package struct BackupWriter: ~Copyable {
  private let file: UnfinishedFile
  private let encoder = ZstdBlockEncoder()
  private var offset = 0

  /// - Parameter note: hears how many rows are in the file; an error from it ends everything.
  package static func write(
    _ snapshot: any StoreSnapshot, to path: String, madeAt: Timestamp, note: (Int) throws -> Void = { _ in }
  ) throws -> BackupManifest {
    var writer = BackupWriter(try UnfinishedFile(path))
    return try writer.write(snapshot, madeAt, note)
  }

  private init(_ file: UnfinishedFile) { self.file = file }

  private mutating func write(
    _ snapshot: any StoreSnapshot, _ madeAt: Timestamp, _ note: (Int) throws -> Void
  ) throws -> BackupManifest {
    try put(BackupLayout.mark)
    var tables: [BackupManifest.Table] = []
    var rows = 0
    for table in try snapshot.tables() {
      tables.append(
        try write(table, of: snapshot) { count in
          rows += count
          try note(rows)
        })
    }
    let facts = try snapshot.facts()
    let manifest = BackupManifest(
      format: BackupManifest.newestFormat, madeAt: madeAt, engine: facts.engine, schemaVersion: facts.schemaVersion,
      tables: tables)
    let (bytes, start) = (try manifest.encoded(), offset)
    var hash = SHA256()
    hash.update(bytes)
    try put(bytes)
    try put(BackupLayout.end(manifestAt: start, bytes: bytes.count, sha256: hash.digest()))
    try file.finish()
    return manifest
  }

  private mutating func write(
    _ table: StoredTable, of snapshot: any StoreSnapshot, note: (Int) throws -> Void
  ) throws -> BackupManifest.Table {
    let start = offset
    var digest = ContentDigest()
    var hash = SHA256()
    try snapshot.read(table) { batch in
      digest.add(batch)
      let plain = TableBlock.encode(batch)
      guard plain.count <= BackupLayout.largestBlock else {
        throw TransferError.notWritable(path: file.path, reason: "rows of \(table.name) are too long")
      }
      var packed: [UInt8] = []
      let length = encoder.encode(plain, onto: &packed)
      let block = BackupLayout.word(UInt32(length)) + BackupLayout.word(UInt32(plain.count)) + packed
      hash.update(block)
      try put(block)
      try note(batch.count)
    }
    return BackupManifest.Table(
      table: table, rows: digest.rows, digest: digest.text, offset: start, bytes: offset - start,
      sha256: hash.hexDigest())
  }

  private mutating func put(_ bytes: [UInt8]) throws(TransferError) {
    try file.write(bytes)
    offset += bytes.count
  }
}
