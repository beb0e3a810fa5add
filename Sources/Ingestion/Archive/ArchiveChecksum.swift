import Crypto

/// What stands in the `.CHECKSUM` beside a file of the archive: `<SHA-256>  <file name>`.
package struct ArchiveChecksum: Hashable, Sendable {
  /// 64 lower-case hexadecimal digits.
  package let sha256: String

  /// - Parameter file: whose checksum it must be.
  package init(_ text: [UInt8], of file: ArchiveFile) throws(ImportError) {
    let words = text.prefix(1024).split { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }
      .map { String(decoding: $0, as: UTF8.self) }
    guard words.count == 2, words[0].utf8.count == 64, words[0].allSatisfy(\.isHexDigit),
      words[1] == file.name || words[1] == "*" + file.name
    else { throw .checksumUnreadable(file: file.name) }
    sha256 = words[0].lowercased()
  }

  /// The bytes that were fetched are those that were published.
  package func verify(_ bytes: [UInt8], of file: ArchiveFile) throws(ImportError) {
    let found = SHA256.hexDigest(of: bytes)
    guard found == sha256 else { throw .checksumDiffers(file: file.name, expected: sha256, found: found) }
  }
}
