internal import Crypto

extension InputFile {
  /// The SHA-256, in hexadecimal, of what comes from here on.
  package func sha256() throws(CompressionError) -> String {
    var hash = SHA256()
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = try read(into: &buffer, from: 0)
      guard count > 0 else { return hash.hexDigest() }
      buffer[..<count].withUnsafeBytes { hash.update($0) }
    }
  }
}
