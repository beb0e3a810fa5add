internal import Operations
internal import Synchronization
package import Transport

/// Answers requests by their routes, and lets sockets of `/ws` join the hub.
package final class APIServer: HTTPHandler {
  /// Answers under way, beyond which a request is told to come again.
  private static let mostAtOnce = 64
  static let socketPath = "/ws"

  private let routes: [Route]
  /// Those without a place in their path.
  private let plain: [Substring: [Route]]
  private let hub: Hub?
  private let doorkeeper: Doorkeeper?
  private let underWay = Atomic(0)

  /// - Parameter doorkeeper: without one everybody is let in.
  package init(_ routes: [Route], hub: Hub? = nil, doorkeeper: Doorkeeper? = nil) {
    (self.routes, self.hub, self.doorkeeper) = (routes, hub, doorkeeper)
    plain = Dictionary(grouping: routes.filter(\.placeNames.isEmpty)) { $0.path[...] }
  }

  package func handle(_ request: ServerRequest, _ reply: ServerReply) {
    do throws(APIFailure) {
      let found = routes(at: request.path)
      if request.method == "OPTIONS",
        let answer = doorkeeper?.preflight(request, methods: Self.methods(of: found.map(\.0)))
      {
        return reply.send(answer)
      }
      let match = match(request, found)
      try doorkeeper?.admit(request, needing: match?.0.scope ?? .read)
      guard let (route, places) = match else { throw failure(request, found.map(\.0)) }
      let checked = try APIRequest(request.query, places: places, request, of: route.parameters)
      switch route.answer {
      case .now(let answer): reply.send(opened(try answer(checked), to: request))
      case .later(let answer): try start(answer, checked, request, reply)
      }
    } catch {
      reply.send(opened(error.response, to: request))
    }
  }

  package func refusal(_ status: Int, _ reason: String) -> ServerResponse {
    let code =
      switch status {
      case 408: "request_timeout"
      case 411: "length_required"
      case 413: "body_too_large"
      case 426: "upgrade_required"
      case 431: "head_too_large"
      case 500: "no_answer"
      default: "bad_request"
      }
    return APIFailure(status, code, reason).response
  }

  /// With what lets pages of allowed origins read it.
  private func opened(_ response: ServerResponse, to request: ServerRequest) -> ServerResponse {
    guard let doorkeeper, !doorkeeper.policy.origins.isEmpty else { return response }
    var response = response
    response.headers += doorkeeper.headers(for: request)
    return response
  }

  private func routes(at path: Substring) -> [(Route, [String: String])] {
    if let routes = plain[path] { return routes.map { ($0, [:]) } }
    let segments = path.split(separator: "/", omittingEmptySubsequences: false)
    return routes.compactMap { route in route.places(in: segments).map { (route, $0) } }
  }

  private func match(_ request: ServerRequest, _ found: [(Route, [String: String])]) -> (Route, [String: String])? {
    let method = request.method == "HEAD" ? "GET" : request.method
    return found.first { $0.0.method == method }
  }

  private static func methods(of routes: [Route]) -> String {
    routes.map(\.method).flatMap { $0 == "GET" ? ["GET", "HEAD"] : [$0] }.joined(separator: ", ")
  }

  private func failure(_ request: ServerRequest, _ found: [Route]) -> APIFailure {
    guard found.isEmpty else {
      let allowed = Self.methods(of: found)
      return APIFailure(
        405, "method_not_allowed", "\(request.method.shortened) is not answered here; \(allowed) is",
        headers: [HTTPHeader("Allow", allowed)])
    }
    if request.path == Self.socketPath, hub != nil {
      return APIFailure(426, "upgrade_required", "this is a WebSocket", headers: [HTTPHeader("Upgrade", "websocket")])
    }
    return APIFailure(
      404, "unknown_path", "there is no \(String(request.path).shortened); /openapi.json lists what is")
  }

  private func start(
    _ answer: @escaping @Sendable (APIRequest) async throws(APIFailure) -> ServerResponse, _ checked: APIRequest,
    _ request: ServerRequest, _ reply: ServerReply
  ) throws(APIFailure) {
    guard underWay.add(1, ordering: .relaxed).newValue <= Self.mostAtOnce else {
      underWay.subtract(1, ordering: .relaxed)
      throw .busy("\(Self.mostAtOnce) requests are being answered; come again")
    }
    Task {
      do throws(APIFailure) {
        reply.send(opened(try await answer(checked), to: request))
      } catch {
        reply.send(opened(error.response, to: request))
      }
      underWay.subtract(1, ordering: .relaxed)
    }
  }

  // MARK: Sockets

  package func accept(_ request: ServerRequest) -> SocketAcceptance {
    guard let hub, request.path == Self.socketPath else {
      return .refuse(APIFailure(404, "unknown_path", "the WebSocket is /ws").response)
    }
    do throws(APIFailure) {
      try doorkeeper?.admitSocket(request)
      _ = try hub.subscription(of: request.query)
      return .accept()
    } catch {
      return .refuse(error.response)
    }
  }

  package func opened(_ socket: ServerSocket) { hub?.join(socket) }
  package func received(_ message: WebSocketMessage, from socket: ServerSocket) { hub?.take(message, from: socket) }
  package func closed(_ socket: ServerSocket) { hub?.leave(socket) }
}
