/// Why a stream does not go on: what, where, and what to do.
package enum StreamError: Error, Hashable, Sendable {
  case badRecord(id: String, reason: String)
  case badOptions(stream: String, reason: String)
  case unknownGroup(stream: String, group: String, known: [String])
  case closed(stream: String)
  case cancelled(stream: String)
  /// What is behind the stream says no. Where it is transient, waiting may help.
  case unavailable(stream: String, reason: String, isTransient: Bool)

  package var isTransient: Bool {
    if case .unavailable(_, _, let isTransient) = self { isTransient } else { false }
  }
}

extension StreamError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .badRecord(let id, let reason): "event \(id.debugDescription) cannot be published: \(reason)"
    case .badOptions(let stream, let reason): "stream \(stream): \(reason)"
    case .unknownGroup(let stream, let group, let known):
      "stream \(stream) has no group \(group.debugDescription), only \(known.joined(separator: ", "))"
    case .closed(let stream): "stream \(stream) is closed"
    case .cancelled(let stream): "stream \(stream): cancelled"
    case .unavailable(let stream, let reason, _): "stream \(stream): \(reason)"
    }
  }
}
