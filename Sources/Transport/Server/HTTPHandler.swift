/// What a server does with what comes. All calls come from the service thread and must not block it.
package protocol HTTPHandler: AnyObject, Sendable {
  /// The reply may be sent at once or later, from any thread.
  func handle(_ request: ServerRequest, _ reply: ServerReply)
  /// Somebody wants a WebSocket.
  func accept(_ request: ServerRequest) -> SocketAcceptance
  func opened(_ socket: ServerSocket)
  func received(_ message: WebSocketMessage, from socket: ServerSocket)
  /// After it nothing more comes from this socket; `closing` tells why.
  func closed(_ socket: ServerSocket)
  /// The answer to what is no request that could be handled, malformed, too long, or too slow; with 500 to one whose
  /// reply was dropped.
  func refusal(_ status: Int, _ reason: String) -> ServerResponse
}

/// A server that speaks HTTP only needs `handle`.
extension HTTPHandler {
  package func accept(_ request: ServerRequest) -> SocketAcceptance { .refuse(status: 404, body: []) }
  package func opened(_ socket: ServerSocket) {}
  package func received(_ message: WebSocketMessage, from socket: ServerSocket) {}
  package func closed(_ socket: ServerSocket) {}
  package func refusal(_ status: Int, _ reason: String) -> ServerResponse {
    ServerResponse(status: status, body: Array((reason + "\n").utf8))
  }
}

package enum SocketAcceptance: Sendable {
  /// With these headers on the 101, such as `Sec-WebSocket-Protocol`.
  case accept(headers: [HTTPHeader] = [])
  case refuse(ServerResponse)

  package static func refuse(status: Int, body: [UInt8] = []) -> SocketAcceptance {
    .refuse(ServerResponse(status: status, body: body))
  }
}

/// A request with its whole body.
package struct ServerRequest: Sendable {
  package let method: String
  /// Path and query as they were sent, nothing decoded: signatures cover these bytes.
  package let target: String
  package let body: [UInt8]
  /// `nil` if the system does not say.
  package let client: ClientAddress?
  let head: Head

  init(_ head: RequestHead, body: [UInt8], from client: ClientAddress?) {
    (method, target, self.head, self.body) = (head.method, head.target, head.head, body)
    self.client = client
  }

  package var path: Substring { target[..<(questionMark ?? target.endIndex)] }
  /// What follows the question mark.
  package var query: Substring? { questionMark.map { target[target.utf8.index(after: $0)...] } }
  private var questionMark: String.Index? { target.utf8.firstIndex(of: UInt8(ascii: "?")) }
  /// All of them in the order they came; `header` is cheaper for one.
  package var headers: [HTTPHeader] { head.headers }

  /// The first one of this name, in either case.
  package func header(_ name: String) -> String? { head.first(name) }
}

package struct ServerResponse: Sendable {
  package var status: Int
  /// `Content-Length`, `Date` and `Connection` are added.
  package var headers: [HTTPHeader]
  package var body: [UInt8]
  /// Send so much of the body, then drop the connection; `Content-Length` promises all of it.
  package var cutAfterBytes: Int?

  package init(status: Int = 200, headers: [HTTPHeader] = [], body: [UInt8] = [], cutAfterBytes: Int? = nil) {
    (self.status, self.headers, self.body, self.cutAfterBytes) = (status, headers, body, cutAfterBytes)
  }
}
