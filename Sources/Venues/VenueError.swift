/// Why bytes from a venue could not be used, or what the venue answered instead of data.
package enum VenueError: Error, Hashable, Sendable {
  /// Not what the protocol promises: where in the bytes, and what was wrong there.
  case malformed(offset: Int, reason: String)
  /// A value that no market has.
  case badValue(field: String, value: String, reason: String)
  /// A message of a kind this program does not know.
  case unknown(kind: String)
  /// The venue refused the request and says why; asking again without a change is useless.
  case refused(status: Int, code: Int?, reason: String)
  /// Too many requests; nothing may be sent before then, if the venue says until when.
  case limited(status: Int, retryAfterSeconds: Int?, reason: String)
  /// The venue's own trouble: worth another try.
  case unavailable(status: Int, reason: String)
}

extension VenueError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .malformed(let offset, let reason): "malformed message at byte \(offset): \(reason)"
    case .badValue(let field, let value, let reason): "\(field) is \(value.debugDescription): \(reason)"
    case .unknown(let kind): "unknown message \(kind.debugDescription)"
    case .refused(let status, let code, let reason):
      "refused with HTTP \(status)\(code.map { ", code \($0)" } ?? ""): \(reason)"
    case .limited(let status, let seconds, let reason):
      "too many requests, HTTP \(status)\(seconds.map { ", wait \($0) s" } ?? ""): \(reason)"
    case .unavailable(let status, let reason): "not available, HTTP \(status): \(reason)"
    }
  }
}
