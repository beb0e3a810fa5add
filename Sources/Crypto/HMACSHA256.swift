internal import CCrypto

/// Keyed authentication of messages, RFC 2104 with SHA-256.
package enum HMACSHA256 {
  /// 32 bytes.
  package static func code(of message: [UInt8], key: [UInt8]) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    guard HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &code, &length) != nil, length == 32 else {
      fatalError("libcrypto has no HMAC with SHA-256")
    }
    return code
  }

  /// In time that depends on the lengths alone, so that a code cannot be found byte by byte.
  package static func areEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
  }
}
