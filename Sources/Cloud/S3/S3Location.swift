/// An object's place, or that of all objects whose keys begin alike.
package struct S3Location: Hashable, Sendable, CustomStringConvertible {
  package let bucket: String
  /// Empty for the bucket itself.
  package let key: String

  package init(bucket: String, key: String) throws(CloudError) {
    guard Self.isBucket(bucket) else {
      throw .invalid(
        "\(bucket.shown(70)): not the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens")
    }
    guard key.utf8.count <= 1024 else {
      throw .invalid("s3://\(bucket)/\(key.shown(40))…: a key has at most 1024 bytes")
    }
    guard !key.split(separator: "/").contains(where: { $0 == "." || $0 == ".." }) else {
      throw .invalid("s3://\(bucket)/\(key.shown(200)): parts of a path named . or .. are lost on the way; rename them")
    }
    (self.bucket, self.key) = (bucket, key)
  }

  /// Reads `s3://bucket/key` and `s3://bucket`; nothing in it is encoded.
  package init(url: String) throws(CloudError) {
    guard url.hasPrefix("s3://") else { throw .invalid("\(url.shown(200)): an address in S3 begins with s3://") }
    let parts = url.dropFirst(5).split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    try self.init(bucket: String(parts[0]), key: parts.count > 1 ? String(parts[1]) : "")
  }

  /// The key goes on with this.
  package func appending(_ text: String) throws(CloudError) -> S3Location {
    try S3Location(bucket: bucket, key: key + text)
  }

  package var description: String { "s3://\(bucket)/\(key)" }

  private static func isBucket(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    guard (3...63).contains(bytes.count), bytes.allSatisfy({ isPlain($0) || $0 == 0x2D || $0 == 0x2E }) else {
      return false
    }
    return isPlain(bytes[0]) && isPlain(bytes[bytes.count - 1]) && !name.contains("..")
  }

  private static func isPlain(_ byte: UInt8) -> Bool { byte &- 97 < 26 || byte &- 48 < 10 }
}
