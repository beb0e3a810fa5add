/// What Redis answers.
package enum RedisValue: Hashable, Sendable {
  /// Nothing there.
  case null
  case integer(Int64)
  /// `OK`, `QUEUED` and the like.
  case status(String)
  case bytes([UInt8])
  case array([RedisValue])
  /// One command of several failed.
  case error(RedisError)

  package var integer: Int64? {
    if case .integer(let value) = self { value } else { nil }
  }

  package var bytes: [UInt8]? {
    if case .bytes(let value) = self { value } else { nil }
  }

  package var array: [RedisValue]? {
    if case .array(let values) = self { values } else { nil }
  }

  package var error: RedisError? {
    if case .error(let error) = self { error } else { nil }
  }

  /// A text or status; bytes that are no UTF-8 become replacement characters.
  package var text: String? {
    switch self {
    case .bytes(let value): String(decoding: value, as: UTF8.self)
    case .status(let value): value
    default: nil
    }
  }

  package var isNull: Bool { self == .null }
}
