internal import Operations
internal import Synchronization
package import Transport

/// Answers requests by their routes, and lets sockets of `/ws` join the hub.
package final class APIServer: HTTPHandler {
  /// Answers under way, beyond which a request is told to come again.
  private static let mostAtOnce = 64
  static let socketPath = "/ws"

  private let routes: [Route]
  private let hub: Hub?
  private let underWay = Atomic(0)

  package init(_ routes: [Route], hub: Hub? = nil) { (self.routes, self.hub) = (routes, hub) }

  package func handle(_ request: ServerRequest, _ reply: ServerReply) {
    do throws(APIFailure) {
      let (route, places) = try route(of: request)
      let checked = try APIRequest(request.query, places: places, body: request.body, of: route.parameters)
      switch route.answer {
      case .now(let answer): reply.send(try answer(checked))
      case .later(let answer): try start(answer, checked, reply)
      }
    } catch {
      reply.send(error.response)
    }
  }

  private func route(of request: ServerRequest) throws(APIFailure) -> (Route, [String: String]) {
    let path = request.path.split(separator: "/", omittingEmptySubsequences: false)
    let found = routes.compactMap { route in route.places(in: path).map { (route, $0) } }
    let method = request.method == "HEAD" ? "GET" : request.method
    if let match = found.first(where: { $0.0.method == method }) { return match }
    guard found.isEmpty else {
      let allowed = found.map(\.0.method).flatMap { $0 == "GET" ? ["GET", "HEAD"] : [$0] }.joined(separator: ", ")
      throw APIFailure(
        405, "method_not_allowed", "\(request.method.shortened) is not answered here; \(allowed) is",
        headers: [HTTPHeader("Allow", allowed)])
    }
    if request.path == Self.socketPath, hub != nil {
      throw APIFailure(426, "upgrade_required", "this is a WebSocket", headers: [HTTPHeader("Upgrade", "websocket")])
    }
    throw APIFailure(404, "unknown_path", "there is no \(String(request.path).shortened); /openapi.json lists what is")
  }

  private func start(
    _ answer: @escaping @Sendable (APIRequest) async throws(APIFailure) -> ServerResponse, _ request: APIRequest,
    _ reply: ServerReply
  ) throws(APIFailure) {
    guard underWay.add(1, ordering: .relaxed).newValue <= Self.mostAtOnce else {
      underWay.subtract(1, ordering: .relaxed)
      throw .unavailable("\(Self.mostAtOnce) requests are being answered; come again")
    }
    Task {
      do throws(APIFailure) {
        reply.send(try await answer(request))
      } catch {
        reply.send(error.response)
      }
      underWay.subtract(1, ordering: .relaxed)
    }
  }

  // MARK: Sockets

  package func accept(_ request: ServerRequest) -> SocketAcceptance {
    guard let hub, request.path == Self.socketPath else {
      return .refuse(status: 404, body: APIFailure(404, "unknown_path", "the WebSocket is /ws").response.body)
    }
    do throws(APIFailure) {
      _ = try hub.subscription(of: request.query)
      return .accept()
    } catch {
      return .refuse(status: error.status, body: error.response.body)
    }
  }

  package func opened(_ socket: ServerSocket) { hub?.join(socket) }
  package func received(_ message: WebSocketMessage, from socket: ServerSocket) { hub?.take(message, from: socket) }
  package func closed(_ socket: ServerSocket) { hub?.leave(socket) }
}
