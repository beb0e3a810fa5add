import Compression
internal import Glibc
package import Market

/// Puts days of a series into an archive. A day that is there already with the same rows is left alone, one with other
/// rows gets a further revision, so the same run can be repeated after an interruption.
package struct ArchiveRun {
  package enum Outcome: Hashable, Sendable {
    /// The store has no rows of that day.
    case empty
    case unchanged
    case written
    /// The archive had other rows of that day.
    case revised
  }

  package struct Result: Hashable, Sendable {
    package let outcome: Outcome
    package let rows: Int
    package let bytes: Int
    package let object: String
  }

  private static let mostAttempts = 16

  private let objects: any ObjectStore
  private let source: any ArchiveSource
  private let series: Series
  private let codec: AvroCodec
  private let folder: String
  /// The newest revision of each day that the archive had when this began.
  private let newest: [String: Int]

  /// - Parameter folder: where files are made before they are archived.
  package init(
    _ source: any ArchiveSource, of series: Series, into objects: any ObjectStore, codec: AvroCodec, folder: String
  ) async throws(ArchiveError) {
    (self.source, self.series, self.objects, self.codec, self.folder) = (source, series, objects, codec, folder)
    let entries: [ObjectEntry]
    do throws(ObjectError) { entries = try await objects.list(ArchiveKey.folder(source.dataset, series)) } catch {
      throw .object(error)
    }
    var newest: [String: Int] = [:]
    for name in entries.compactMap({ ArchiveName($0.key) }) where name.venue == series.venue.name {
      newest[String(name.folder)] = max(newest[String(name.folder)] ?? 0, name.revision)
    }
    self.newest = newest
  }

  package func keep(day: Int64) async throws -> Result {
    let key = ArchiveKey(source.dataset, series, day: day)
    let path = "\(folder)/\(source.dataset.rawValue)-\(key.date).avro"
    defer { unlink(path) }
    let made = try make(key, at: path)
    guard made.rows > 0 else { return Result(outcome: .empty, rows: 0, bytes: 0, object: "") }
    let (outcome, kept) = try await keep(path, made.sha256, key)
    return Result(outcome: outcome, rows: made.rows, bytes: made.bytes, object: objects.name(kept.path))
  }

  private func make(_ key: ArchiveKey, at path: String) throws -> (rows: Int, bytes: Int, sha256: String) {
    let file = try HashingFile(path: path)
    let writer = try AvroWriter(
      file, name: path, schema: source.dataset.schema, codec: codec,
      metadata: [
        (ArchiveHeader.dataset, source.dataset.rawValue), (ArchiveHeader.series, series.description),
        (ArchiveHeader.date, key.date),
      ])
    try source.write(series, in: key.range, to: writer)
    try writer.finish()
    return (writer.records, file.bytes, file.hexDigest())
  }

  private func keep(
    _ path: String, _ sha256: String, _ first: ArchiveKey
  ) async throws(ArchiveError) -> (Outcome, ArchiveKey) {
    var key = first
    var there = ArchiveName(first.path).flatMap { newest[String($0.folder)] }
    for _ in 0..<Self.mostAttempts {
      if let revision = there {
        key.revision = revision
        if try await isSame(path, sha256, key) { return (.unchanged, key) }
        key.revision = revision + 1
      }
      if try await create(key.path, from: path, sha256) {
        try await writeChecksum(sha256, of: key.path)
        return (key.revision == 0 ? .written : .revised, key)
      }
      // Another writer was faster.
      there = key.revision
    }
    throw .contended(object: objects.name(first.path))
  }

  /// The archive has these rows, if perhaps packed by another version of a library.
  private func isSame(_ path: String, _ sha256: String, _ key: ArchiveKey) async throws(ArchiveError) -> Bool {
    let declared = try await LocalCopy.declaredChecksum(key.path, objects)
    if declared == sha256 { return true }
    let copy = try await LocalCopy.of(key.path, in: objects, folder: folder, isChecked: declared != nil)
    if copy.sha256 != sha256 {
      guard try sameRecords(copy.path, path, objects.name(key.path)) else { return false }
    }
    // Whoever wrote it was interrupted before its checksum.
    if declared == nil { try await writeChecksum(copy.sha256, of: key.path) }
    return true
  }

  private func sameRecords(_ one: String, _ other: String, _ name: String) throws(ArchiveError) -> Bool {
    do throws(AvroError) {
      var one = try RecordStream(one, name: name, as: source.dataset.schema)
      var other = try RecordStream(other, name: other, as: source.dataset.schema)
      while true {
        let (mine, theirs) = (try one.next(), try other.next())
        guard mine == theirs else { return false }
        if mine == nil { return true }
      }
    } catch {
      throw .avro(error)
    }
  }

  private func writeChecksum(_ sha256: String, of key: String) async throws(ArchiveError) {
    let path = "\(folder)/checksum"
    do throws(CompressionError) {
      try OutputFile(path: path).write(Array(ArchiveChecksum.text(sha256, of: key).utf8)[...])
    } catch {
      throw .avro(.unpacking(error))
    }
    defer { unlink(path) }
    _ = try await create(key + ArchiveKey.checksumEnding, from: path, try ArchiveChecksum.digest(of: path))
  }

  private func create(_ key: String, from path: String, _ sha256: String) async throws(ArchiveError) -> Bool {
    do throws(ObjectError) { return try await objects.create(key, from: path, sha256: sha256) } catch {
      throw .object(error)
    }
  }
}

/// The records of a file one by one.
private struct RecordStream {
  private let reader: AvroReader
  private var batch: ArraySlice<AvroValue> = []

  init(_ path: String, name: String, as schema: AvroSchema) throws(AvroError) {
    reader = try AvroReader(path: path, name: name, as: schema)
  }

  mutating func next() throws(AvroError) -> AvroValue? {
    if batch.isEmpty { batch = try reader.next()?[...] ?? [] }
    return batch.popFirst()
  }
}
