/// Where an archive is: objects under names, each written once and never changed.
package protocol ObjectStore: Sendable {
  /// As a URL, without any secret and without a slash at its end.
  var url: String { get }

  /// All that begin with this, in the order of their keys' bytes.
  func list(_ prefix: String) async throws(ObjectError) -> [ObjectEntry]

  /// Calls `take` with the bytes in order, piece by piece.
  func read(_ key: String, _ take: ([UInt8]) throws(ObjectError) -> Void) async throws(ObjectError)

  /// Another one whenever the object is; `nil` if there is none.
  func tag(_ key: String) async throws(ObjectError) -> String?

  /// Makes an object of a file, whole or not at all.
  ///
  /// - Parameter sha256: of the file, in hexadecimal.
  /// - Returns: `false` if there is one of that key, which stays as it is.
  func create(_ key: String, from path: String, sha256: String) async throws(ObjectError) -> Bool

  /// The file that the object is, where objects are files.
  func localPath(_ key: String) -> String?
}

package struct ObjectEntry: Hashable, Sendable {
  /// From the store's own place on.
  package let key: String
  package let bytes: Int

  package init(key: String, bytes: Int) { (self.key, self.bytes) = (key, bytes) }
}

package enum ObjectError: Error, Hashable, Sendable {
  /// The reason says what to do.
  case unavailable(String)
  case absent(object: String)
  /// The bytes are not those that were written.
  case damaged(object: String, expected: String, found: String)
  case tooLarge(object: String, limitBytes: Int)
  case local(path: String, operation: String, reason: String)

  /// What a command that meets this error ends with.
  package var exitCode: Int32 {
    switch self {
    case .damaged, .tooLarge: 3
    case .local: 1
    case .unavailable, .absent: 4
    }
  }
}

extension ObjectError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unavailable(let reason): reason
    case .absent(let object): "\(object): there is no such object"
    case .damaged(let object, let expected, let found):
      "\(object): its SHA-256 is \(found), but \(expected) was written; nothing is taken from it"
    case .tooLarge(let object, let limit): "\(object): has more than \(limit) bytes, the most that is read here"
    case .local(let path, let operation, let reason): "\(path): cannot be \(operation): \(reason)"
    }
  }
}

extension ObjectStore {
  package func name(_ key: String) -> String { key.isEmpty ? url : url + "/" + key }

  /// A small object.
  package func bytes(_ key: String, limit: Int) async throws(ObjectError) -> [UInt8] {
    var bytes: [UInt8] = []
    try await read(key) { piece throws(ObjectError) in
      guard piece.count <= limit - bytes.count else { throw .tooLarge(object: name(key), limitBytes: limit) }
      bytes += piece
    }
    return bytes
  }
}
