import Synchronization

@testable import Transport

/// Answers a request with its own body and a message with itself.
final class Echo: HTTPHandler {
  func handle(_ request: ServerRequest, _ reply: ServerReply) {
    let headers = [HTTPHeader("X-Method", request.method), HTTPHeader("X-Target", request.target)]
    reply.send(ServerResponse(headers: headers, body: request.body))
  }
  func accept(_ request: ServerRequest) -> SocketAcceptance {
    request.path == "/refused" ? .refuse(status: 403, body: Array("no\n".utf8)) : .accept()
  }
  func received(_ message: WebSocketMessage, from socket: ServerSocket) { socket.send(message) }
}

/// Answers with what a test says.
final class Answering: HTTPHandler {
  private let answer: @Sendable (ServerRequest, ServerReply) -> Void

  init(_ answer: @escaping @Sendable (ServerRequest, ServerReply) -> Void) { self.answer = answer }

  func handle(_ request: ServerRequest, _ reply: ServerReply) { answer(request, reply) }
}

/// Answers nothing, and has words of its own for that.
final class Dropping: HTTPHandler {
  func handle(_ request: ServerRequest, _ reply: ServerReply) {}

  func refusal(_ status: Int, _ reason: String) -> ServerResponse {
    ServerResponse(status: status, body: Array("in the handler's words: \(status)".utf8))
  }
}

/// Hands what happens to its sockets to a test, in order.
final class Watching: HTTPHandler {
  enum Event {
    case opened(ServerSocket)
    case received(WebSocketMessage, ServerSocket)
    case closed(ServerSocket)
  }

  let events: AsyncStream<Event>
  private let continuation: AsyncStream<Event>.Continuation

  init() { (events, continuation) = AsyncStream.makeStream() }

  func handle(_ request: ServerRequest, _ reply: ServerReply) { reply.send(ServerResponse()) }
  func accept(_ request: ServerRequest) -> SocketAcceptance { .accept() }
  func opened(_ socket: ServerSocket) { continuation.yield(.opened(socket)) }
  func received(_ message: WebSocketMessage, from socket: ServerSocket) {
    continuation.yield(.received(message, socket))
  }
  func closed(_ socket: ServerSocket) { continuation.yield(.closed(socket)) }

  func nextOpened() async -> ServerSocket? {
    for await case .opened(let socket) in events { return socket }
    return nil
  }

  func nextClosed() async -> ServerSocket? {
    for await case .closed(let socket) in events { return socket }
    return nil
  }
}
