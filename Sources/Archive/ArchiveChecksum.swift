import Compression
internal import Crypto

/// The `.sha256` beside an object, in the format of `sha256sum`.
enum ArchiveChecksum {
  static let limitBytes = 4096

  static func text(_ sha256: String, of key: String) -> String {
    "\(sha256)  \(key.split(separator: "/").last ?? "")\n"
  }

  static func declared(_ bytes: [UInt8], object: String) throws(ArchiveError) -> String {
    let digits = String(decoding: bytes.prefix(64), as: UTF8.self).lowercased()
    guard digits.utf8.count == 64, [UInt8](hexadecimal: Array(digits.utf8)) != nil else {
      throw .badChecksum(object: object + ArchiveKey.checksumEnding)
    }
    return digits
  }

  static func digest(of path: String) throws(ArchiveError) -> String {
    do throws(CompressionError) {
      return try InputFile(path: path).sha256()
    } catch {
      throw .avro(.unpacking(error))
    }
  }
}
