import Compression
internal import Crypto
internal import Glibc

/// An object as a file of this machine, verified: the object itself where objects are files, otherwise a copy that goes
/// with the last reference.
package final class LocalCopy {
  package let path: String
  let sha256: String
  private let isTemporary: Bool

  /// - Parameters:
  ///   - folder: where a copy may lie.
  ///   - isChecked: with the checksum beside it; without one it is refused.
  package static func of(
    _ key: String, in objects: any ObjectStore, folder: String, isChecked: Bool = true
  ) async throws(ArchiveError) -> LocalCopy {
    let copy = try await made(key, objects, folder)
    guard isChecked else { return copy }
    guard let declared = try await declaredChecksum(key, objects) else {
      throw .noChecksum(object: objects.name(key))
    }
    guard copy.sha256 == declared else {
      throw .object(.damaged(object: objects.name(key), expected: declared, found: copy.sha256))
    }
    return copy
  }

  /// `nil` if none lies beside it.
  static func declaredChecksum(_ key: String, _ objects: any ObjectStore) async throws(ArchiveError) -> String? {
    let bytes: [UInt8]
    do throws(ObjectError) {
      bytes = try await objects.bytes(key + ArchiveKey.checksumEnding, limit: ArchiveChecksum.limitBytes)
    } catch .absent {
      return nil
    } catch {
      throw .object(error)
    }
    return try ArchiveChecksum.declared(bytes, object: objects.name(key))
  }

  private static func made(
    _ key: String, _ objects: any ObjectStore, _ folder: String
  ) async throws(ArchiveError) -> LocalCopy {
    if let path = objects.localPath(key) {
      return LocalCopy(path: path, sha256: try ArchiveChecksum.digest(of: path), isTemporary: false)
    }
    let path = folder + "/" + String(SHA256.hexDigest(of: Array(key.utf8)).prefix(16)) + ".copy"
    let file: HashingFile
    do throws(CompressionError) { file = try HashingFile(path: path) } catch { throw .avro(.unpacking(error)) }
    do throws(ObjectError) {
      try await objects.read(key) { piece throws(ObjectError) in
        do throws(CompressionError) { try file.write(piece[...]) } catch {
          throw .local(path: path, operation: "written", reason: "\(error)")
        }
      }
    } catch {
      unlink(path)
      throw .object(error)
    }
    return LocalCopy(path: path, sha256: file.hexDigest(), isTemporary: true)
  }

  private init(path: String, sha256: String, isTemporary: Bool) {
    (self.path, self.sha256, self.isTemporary) = (path, sha256, isTemporary)
  }

  deinit { if isTemporary { unlink(path) } }
}
