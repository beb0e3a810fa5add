import Testing

@testable import Transport

final class Echo: HTTPHandler {
  func handle(_ request: ServerRequest, _ reply: ServerReply) {
    reply.send(ServerResponse(headers: [HTTPHeader("X-Method", request.method)], body: request.body))
  }
  func accept(_ request: ServerRequest) -> SocketAcceptance { .accept() }
  func received(_ message: WebSocketMessage, from socket: ServerSocket) { socket.send(message) }
}

struct HTTPTests {
  @Test func `an answer comes back`() async throws {
    let server = try HTTPServer(handler: Echo())
    let client = try HTTPClient()
    let answer = try await client.send(
      HTTPRequest(method: "POST", url: "http://127.0.0.1:\(server.port)/a?b=%20c", body: Array("hello".utf8)))
    #expect(answer.status == 200)
    #expect(answer.headers["x-method"] == "POST")
    #expect(answer.body == Array("hello".utf8))
    await server.stop()
  }

  @Test func `a message comes back`() async throws {
    let server = try HTTPServer(handler: Echo())
    let client = try WebSocketClient()
    let socket = try await client.connect(WebSocketRequest(url: "ws://127.0.0.1:\(server.port)/stream"))
    try await socket.send(.text(Array("hello".utf8)))
    #expect(await socket.next()?.message == .text(Array("hello".utf8)))
    socket.close()
    #expect(await socket.next() == nil)
    #expect(socket.closing == Closing(code: 1000, reason: "", byPeer: false))
    await server.stop()
  }
}
