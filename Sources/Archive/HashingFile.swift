import Compression
internal import Crypto

/// A new file whose SHA-256 is known when it is written.
final class HashingFile: ByteSink {
  private let file: OutputFile
  private var hash: SHA256? = SHA256()
  private(set) var bytes = 0

  init(path: String) throws(CompressionError) { file = try OutputFile(path: path) }

  func write(_ bytes: ArraySlice<UInt8>) throws(CompressionError) {
    bytes.withUnsafeBytes { hash?.update($0) }
    self.bytes += bytes.count
    try file.write(bytes)
  }

  /// In hexadecimal; once, behind the last byte.
  func hexDigest() -> String { hash.take()?.hexDigest() ?? "" }
}
