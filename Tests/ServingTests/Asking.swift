import FoundationEssentials
import Serving
import TestSupport
import Testing
import Transport

/// Somebody who asks a server on loopback.
struct Asking {
  let server: HTTPServer
  private let client: HTTPClient

  init(
    _ routes: [Route], hub: Hub? = nil, _ options: HTTPServer.Options = .init(), doorkeeper: Doorkeeper? = nil
  ) throws {
    server = try HTTPServer(options, handler: APIServer(routes, hub: hub, doorkeeper: doorkeeper))
    client = try HTTPClient(HTTPClient.Options(maxConnections: 128))
  }

  func callAsFunction(
    _ target: String, method: String = "GET", headers: [HTTPHeader] = []
  ) async throws -> HTTPAnswer {
    try await client.send(
      HTTPRequest(
        method: method, url: "http://127.0.0.1:\(server.port)\(target)", headers: headers,
        timeoutSeconds: Patience.seconds))
  }

  func post(_ target: String, _ body: String) async throws -> HTTPAnswer {
    try await client.send(
      HTTPRequest(
        method: "POST", url: "http://127.0.0.1:\(server.port)\(target)",
        headers: [HTTPHeader("Content-Type", "application/json")], body: Array(body.utf8),
        timeoutSeconds: Patience.seconds))
  }

  func listing(_ target: String) async throws -> Answered {
    let answer = try await self(target)
    try #require(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
    return try JSONDecoder().decode(Answered.self, from: Data(answer.body))
  }

  func failure(_ target: String, method: String = "GET") async throws -> (status: Int, code: String, message: String) {
    let answer = try await self(target, method: method)
    #expect(answer.headers["content-type"] == "application/json")
    let body = try JSONDecoder().decode(Failed.self, from: Data(answer.body))
    return (answer.status, body.error.code, body.error.message)
  }

  func socket(_ target: String = "/ws", headers: [HTTPHeader] = []) async throws -> WebSocket {
    try await WebSocketClient().connect(.init(url: "ws://127.0.0.1:\(server.port)\(target)", headers: headers))
  }
}

struct Answered: Decodable {
  struct Row: Decodable {
    let time: String?
    let open_time: String?
    let created_at: String?
    let close: String?
    let model: String?
    let target: String?
    let state: String?
    let from: String?
    let minutes: Int?
    let type: String?
    let candles_missing: Int?
    let outcome: Double?
  }

  let series: String
  let rows: [Row]
  let next: String?
}

struct Failed: Decodable {
  struct Reason: Decodable {
    let code: String
    let message: String
  }

  let error: Reason
}

/// A message of the hub.
struct Told: Decodable, Equatable {
  struct Body: Decodable, Equatable {
    let n: Int
  }

  let type: String
  let symbol: String?
  let sequence: Int?
  let data: Body?
}

extension WebSocket {
  func told() async throws -> Told? {
    guard let message = await next() else { return nil }
    return try JSONDecoder().decode(Told.self, from: Data(message.message.bytes))
  }
}
