import Compression
internal import Glibc

/// The `.CHECKSUM` file that archives put beside a file, in the format of `sha256sum`.
enum Checksum {
  /// Nothing to verify is no error.
  static func verify(_ path: String) throws(ImportError) {
    guard access(path + ".CHECKSUM", F_OK) == 0 else { return }
    let expected = try declared(for: path)
    let found: String
    do { found = try InputFile(path: path).sha256() } catch { throw .unpacking(error) }
    guard found == expected else { throw .checksumDiffers(file: path, expected: expected, found: found) }
  }

  private static func declared(for path: String) throws(ImportError) -> String {
    let start: [UInt8]?
    do { start = try InputFile(path: path + ".CHECKSUM").bytes(at: 0, count: 64) } catch { throw .unpacking(error) }
    let text = start.map { String(decoding: $0, as: UTF8.self).lowercased() }
    guard let text, text.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
      throw .checksumUnreadable(file: path)
    }
    return text
  }
}
