package import Market

/// Polymarket's older relay of Chainlink's observations, which needs no credentials.
///
/// It says nothing when a topic or filter is wrong: only data shows that a subscription works.
package struct RelayProtocol: OracleProtocol {
  package let venue: Venue
  private let topics: [Topic]

  package enum Topic: String, Sendable, CaseIterable {
    case prices = "crypto_prices_chainlink"
    case meansOfThirtySeconds = "crypto_prices_twap_thirty"
    case meansOfSixtySeconds = "crypto_prices_twap_sixty"

    package var quantity: OracleTick.Quantity {
      switch self {
      case .prices: .price
      case .meansOfThirtySeconds: .timeWeightedMean(seconds: 30)
      case .meansOfSixtySeconds: .timeWeightedMean(seconds: 60)
      }
    }
  }

  package init(venue: Venue = .chainlink, topics: [Topic] = Topic.allCases) {
    (self.venue, self.topics) = (venue, topics)
  }

  /// One a feed: of several filters of one topic only the last would count.
  package func sockets(for symbols: [Symbol], _ channels: Set<Channel>, now: Timestamp) -> [SocketPlan] {
    guard channels.contains(.ticks), !topics.isEmpty else { return [] }
    return symbols.map { symbol in
      SocketPlan(
        path: "/", greetings: [subscription(symbol)],
        keepAlive: SocketPlan.KeepAlive(text: "PING", intervalSeconds: 5))
    }
  }

  private func subscription(_ feed: Symbol) -> String {
    let filter = "{\\\"symbol\\\":\\\"\(feed.name.lowercased())\\\"}"
    let items = topics.map { "{\"topic\":\"\($0.rawValue)\",\"type\":\"*\",\"filters\":\"\(filter)\"}" }
    return "{\"action\":\"subscribe\",\"subscriptions\":[\(items.joined(separator: ","))]}"
  }

  package func decode(
    _ frame: UnsafeBufferPointer<UInt8>, isBinary: Bool, _ receive: (VenueMessage) -> Void
  ) throws(VenueError) {
    if frame.isEmpty || frame.equals("PONG") { return }
    var scanner = JSONScanner(frame)
    var topic = ""
    var type = ""
    var payload: RelayPayload?
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "topic": topic = try scanner.string()
      case "type": type = try scanner.string()
      case "payload": payload = try RelayPayload(&scanner)
      default: try scanner.skip()
      }
    }
    try scanner.end()
    guard type == "update" || type == "subscribe" else { throw .unknown(kind: "\(topic) \(type)") }
    guard let payload else { throw scanner.malformed("a message without payload") }
    let meaning = try Self.meaning(topic, type, payload)
    var ticks: [OracleTick] = []
    for observation in payload.observations {
      let (time, price) = try observation.price(.scaled)
      ticks.append(
        OracleTick(feed: meaning.feed, source: .relay, quantity: meaning.topic.quantity, time: time, price: price))
    }
    for tick in ticks { receive(.oracle(tick)) }
  }

  /// - Throws: `unknown` for what is not Chainlink's: the topic `crypto_prices` is Binance's, though the snapshot of
  ///   Chainlink's prices comes under it too, with Chainlink's name of the feed.
  private static func meaning(
    _ name: String, _ type: String, _ payload: RelayPayload
  ) throws(VenueError) -> (topic: Topic, feed: Symbol) {
    let text = payload.symbol ?? ""
    guard let feed = Symbol(text.uppercased()), text.hasSuffix("/usd") else {
      throw .unknown(kind: "\(name) of \(text)")
    }
    let isSnapshotOfPrices = name == "crypto_prices" && type == "subscribe"
    guard let topic = isSnapshotOfPrices ? .prices : Topic(rawValue: name) else { throw .unknown(kind: name) }
    if let seconds = payload.windowSeconds, topic.quantity != .timeWeightedMean(seconds: Int(seconds)) {
      throw .badValue(field: "window_s", value: String(seconds), reason: "not the window of \(name)")
    }
    return (topic, feed)
  }
}
