internal import Crypto

/// A secret that opens the server, kept as its hash.
package struct AccessToken: Sendable, CustomStringConvertible {
  /// What a token opens; the greater opens what the lesser does.
  package enum Scope: Int, Sendable, Comparable {
    /// Everything that changes nothing.
    case read
    /// Everything, and as often as wanted.
    case admin

    package static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
  }

  package static let fewestBytes = 20

  package let scope: Scope
  private let hash: [UInt8]

  /// `nil` for a secret that is too short to be one.
  package init?(_ secret: String, _ scope: Scope) {
    guard secret.utf8.count >= Self.fewestBytes else { return nil }
    (self.scope, hash) = (scope, Self.hash(secret))
  }

  /// Takes as long for what is nearly right as for what is not.
  func matches(_ hash: [UInt8]) -> Bool { HMACSHA256.areEqual(hash, self.hash) }

  static func hash(_ secret: String) -> [UInt8] {
    var hash = SHA256()
    hash.update(Array(secret.utf8))
    return hash.digest()
  }

  package var description: String { "a token of scope \(scope)" }
}
