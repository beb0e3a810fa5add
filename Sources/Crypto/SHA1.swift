internal import CCrypto

/// FIPS 180-4; for protocols that demand it, and not to keep anything safe.
package enum SHA1 {
  /// 20 bytes.
  package static func digest(of bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 20)
    guard EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha1(), nil) == 1 else {
      fatalError("libcrypto has no SHA-1")
    }
    return digest
  }
}
