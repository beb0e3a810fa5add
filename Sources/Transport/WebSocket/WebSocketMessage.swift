package enum WebSocketMessage: Hashable, Sendable {
  case text([UInt8])
  case binary([UInt8])

  package var bytes: [UInt8] {
    switch self {
    case .text(let bytes), .binary(let bytes): bytes
    }
  }
}

package struct ReceivedMessage: Hashable, Sendable {
  package let message: WebSocketMessage
  /// `CLOCK_REALTIME` when its last byte was read from the socket.
  package let arrivalNanoseconds: Int64
  /// Messages that came before this one, after the one delivered last, and were dropped because nobody took them.
  package let lostBefore: Int

  package init(message: WebSocketMessage, arrivalNanoseconds: Int64, lostBefore: Int = 0) {
    (self.message, self.arrivalNanoseconds, self.lostBefore) = (message, arrivalNanoseconds, lostBefore)
  }
}

/// How a WebSocket ended.
package struct Closing: Hashable, Sendable {
  /// `nil` where no close frame came: the connection broke.
  package let code: UInt16?
  package let reason: String
  package let byPeer: Bool

  package init(code: UInt16?, reason: String, byPeer: Bool) {
    (self.code, self.reason, self.byPeer) = (code, reason, byPeer)
  }
}

extension Closing: CustomStringConvertible {
  package var description: String {
    guard let code else { return reason }
    return "\(byPeer ? "by the peer" : "by us") with code \(code)" + (reason.isEmpty ? "" : " (\(reason))")
  }
}

/// Codes of RFC 6455, section 7.4.
enum CloseCode {
  static let normal: UInt16 = 1000
  static let goingAway: UInt16 = 1001
  static let protocolError: UInt16 = 1002
  static let invalidText: UInt16 = 1007
  static let tooLarge: UInt16 = 1009

  /// May stand in a close frame.
  static func isSendable(_ code: UInt16) -> Bool {
    switch code {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }
}
