package import Market

/// Polymarket's newer relay, which needs the credentials of an account and brings only means.
///
/// Its channel `price.crypto` is another provider's price and is never asked for nor accepted.
package struct PolyBoltProtocol: OracleProtocol {
  package let venue: Venue
  package let feed: Symbol
  package let windowSeconds: Int
  private let credentials: Credentials

  static let channel = "price.crypto.twap"

  package struct Credentials: Sendable {
    let apiKey: String
    let secret: Secret
    let passphrase: Secret

    package init(apiKey: String, secret: Secret, passphrase: Secret) {
      (self.apiKey, self.secret, self.passphrase) = (apiKey, secret, passphrase)
    }
  }

  package init(
    venue: Venue = .chainlink, feed: Symbol = .bitcoinUSD, windowSeconds: Int = 60, credentials: Credentials
  ) {
    (self.venue, self.feed, self.windowSeconds, self.credentials) = (venue, feed, windowSeconds, credentials)
  }

  // MARK: Requests

  package func sockets(for symbols: [Symbol], _ channels: Set<Channel>, now: Timestamp) -> [SocketPlan] {
    guard channels.contains(.ticks), symbols.contains(feed) else { return [] }
    return [SocketPlan(path: "/ws", greetings: [authentication, subscription])]
  }

  private var authentication: String {
    "{\"op\":\"auth\",\"rid\":\"a1\",\"auth\":{\"apiKey\":\"\(credentials.apiKey)\","
      + "\"secret\":\"\(credentials.secret.reveal())\",\"passphrase\":\"\(credentials.passphrase.reveal())\"}}"
  }

  private var subscription: String {
    "{\"op\":\"subscribe\",\"rid\":\"s1\",\"subscriptions\":[{\"channel\":\"\(Self.channel)\","
      + "\"filter\":{\"symbol\":\"\(symbolName)\",\"window_seconds\":\(windowSeconds)}}]}"
  }

  /// `btcusd` of `BTC/USD`.
  var symbolName: String { feed.name.lowercased().filter { $0 != "/" } }

  /// Credentials do not get better by trying again, but a relay may err about them; what breaks its policy is sent by us.
  package func reconnection(afterClose code: UInt16?) -> Reconnection {
    switch code {
    case 4001: .useless(reason: "the relay does not accept the credentials (4001)", retrySeconds: 3600)
    case 4003: .within(seconds: 10)
    case 4008: .useless(reason: "the relay refuses what was sent, by its policy (4008)", retrySeconds: nil)
    default: .backOff
    }
  }

  // MARK: Messages

  package func decode(
    _ frame: UnsafeBufferPointer<UInt8>, isBinary: Bool, _ receive: (VenueMessage) -> Void
  ) throws(VenueError) {
    var scanner = JSONScanner(frame)
    let envelope = try Envelope(&scanner)
    try scanner.end()
    if let operation = envelope.operation { return receive(try Self.answer(operation, code: envelope.code)) }
    guard envelope.version == 1, envelope.channel == Self.channel else {
      throw .unknown(kind: "\(envelope.channel ?? "no channel"), version \(envelope.version ?? 0)")
    }
    guard let payload = envelope.payload else { throw scanner.malformed("a message without payload") }
    try requireSubscribed(payload)
    var messages: [VenueMessage] = envelope.dropped > 0 ? [.dropped(count: envelope.dropped)] : []
    for observation in payload.observations {
      let (time, price) = try observation.price(.decimal)
      messages.append(
        .oracle(
          OracleTick(
            feed: feed, source: .polybolt, quantity: .timeWeightedMean(seconds: windowSeconds), time: time,
            price: price)))
    }
    for message in messages { receive(message) }
  }

  private struct Envelope {
    var operation: String?
    var code: String?
    var version: Int64?
    var channel: String?
    var dropped: Int64 = 0
    var payload: RelayPayload?

    init(_ scanner: inout JSONScanner) throws(VenueError) {
      try scanner.object { scanner, key throws(VenueError) in
        switch key {
        case "op": operation = try scanner.string()
        case "code": code = scanner.peek() == .string ? try scanner.string() : String(try scanner.integer())
        case "v": version = try scanner.integer()
        case "channel": channel = try scanner.string()
        case "dropped": dropped = try scanner.integer()
        case "payload": payload = try RelayPayload(&scanner)
        default: try scanner.skip()
        }
      }
      guard dropped >= 0 else {
        throw .badValue(field: "dropped", value: String(dropped), reason: "a count is not negative")
      }
    }
  }

  private static func answer(_ operation: String, code: String?) throws(VenueError) -> VenueMessage {
    switch operation {
    case "authed", "subscribed", "unsubscribed", "pong": .control(.accepted)
    case "error": .control(.refused(reason: code ?? "error without a code"))
    default: throw .unknown(kind: operation)
    }
  }

  /// A snapshot need not repeat what was subscribed to; whatever it does say must be that.
  private func requireSubscribed(_ payload: RelayPayload) throws(VenueError) {
    if let symbol = payload.symbol, symbol != symbolName { throw .unknown(kind: "\(Self.channel) of \(symbol)") }
    if let seconds = payload.windowSeconds, seconds != Int64(windowSeconds) {
      throw .unknown(kind: "\(Self.channel) over \(seconds) s")
    }
    if let source = payload.source, source != "chainlink" { throw .unknown(kind: "\(Self.channel) from \(source)") }
  }
}
