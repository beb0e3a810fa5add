internal import Redis

extension StreamError {
  init(_ error: RedisError, stream: String) {
    switch error {
    case .cancelled: self = .cancelled(stream: stream)
    case .closed: self = .closed(stream: stream)
    default: self = .unavailable(stream: stream, reason: error.description, isTransient: error.isTransient)
    }
  }
}
