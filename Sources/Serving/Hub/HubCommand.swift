internal import FoundationEssentials
internal import Transport

/// What a client says to the hub.
enum HubCommand {
  private struct Body: Decodable {
    let topics: String?
    let symbols: String?
  }

  private static let mostBytes = 4096

  static func subscription(_ message: WebSocketMessage) throws(APIFailure) -> Subscription {
    guard message.bytes.count <= mostBytes, let body = try? JSONDecoder().decode(Body.self, from: Data(message.bytes))
    else {
      throw APIFailure(
        400, "bad_command", #"write {"topics":"predictions,candles,events","symbols":"BTCUSDT"}; both may be left out"#)
    }
    return try Subscription(topics: body.topics, symbols: body.symbols)
  }
}
