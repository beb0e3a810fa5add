import Compression

/// What is to be read of an archive: of each day and venue the newest revision, and files of other names.
package struct ArchiveListing: Sendable {
  package struct File: Hashable, Sendable {
    package let key: String
    package let bytes: Int
    /// It was written by us, so a checksum has to be beside it.
    package let isChecked: Bool
  }

  /// In the order of their keys, so days rise within a series.
  package let files: [File]
  /// Files of which there is a newer revision.
  package let older: Int

  package init(_ objects: any ObjectStore, prefix: String = "") async throws(ArchiveError) {
    let entries: [ObjectEntry]
    do throws(ObjectError) { entries = try await objects.list(prefix) } catch { throw .object(error) }
    self.init(entries)
    guard !files.isEmpty else { throw .empty(objects.name(prefix)) }
  }

  /// One file.
  package init(_ objects: any ObjectStore, only key: String) async throws(ArchiveError) {
    let keys = [key, key + ArchiveKey.checksumEnding]
    var entries = keys.compactMap { key in
      objects.localPath(key).flatMap { try? InputFile(path: $0) }.map { ObjectEntry(key: key, bytes: $0.size) }
    }
    if objects.localPath(key) == nil {
      do throws(ObjectError) { entries = try await objects.list(key) } catch { throw .object(error) }
    }
    self.init(entries.filter { keys.contains($0.key) })
    guard !files.isEmpty else { throw .object(.absent(object: objects.name(key))) }
  }

  init(_ entries: [ObjectEntry]) {
    let avro = entries.filter { $0.key.hasSuffix(ArchiveKey.ending) }
    let checksums = Set(entries.lazy.map(\.key).filter { $0.hasSuffix(ArchiveKey.checksumEnding) })
    var newest: [String: Int] = [:]
    let names = avro.map { ArchiveName($0.key) }
    for name in names.compactMap(\.self) { newest[name.place] = max(newest[name.place] ?? 0, name.revision) }
    var (files, older): ([File], Int) = ([], 0)
    for (entry, name) in zip(avro, names) {
      if let name, newest[name.place] != name.revision {
        older += 1
        continue
      }
      let isChecked = name != nil || checksums.contains(entry.key + ArchiveKey.checksumEnding)
      files.append(File(key: entry.key, bytes: entry.bytes, isChecked: isChecked))
    }
    (self.files, self.older) = (files, older)
  }
}

extension ArchiveName {
  fileprivate var place: String { String(folder + venue) }
}
