import Market
import Venues

/// Polymarket's older relay: no credentials, no complaints, and silence without a `PING` now and then.
struct RelayDialect: Dialect {
  /// Behind the event.
  private static let delayMicroseconds: Int64 = 1_400_000
  private static let patienceMicroseconds: Int64 = 120_000_000
  private static let snapshotSeconds: Int64 = 120

  /// When a client was last heard.
  private var heard: [Int: Timestamp] = [:]

  init() {}

  func answer(_ request: VenueRequest, _ reader: inout MarketReader, at now: Timestamp) -> SimulatedAnswer {
    SimulatedAnswer(status: 404, body: Array("not found".utf8))
  }

  func refusal(status: Int, at now: Timestamp) -> SimulatedAnswer { SimulatedAnswer(status: status) }

  // MARK: Sockets

  mutating func open(
    _ socket: inout SimulatedSocket, _ reader: inout MarketReader, at now: Timestamp
  ) -> SimulatedAnswer? {
    heard[socket.id] = now
    return nil
  }

  mutating func receive(
    _ text: [UInt8], _ socket: inout SimulatedSocket, _ reader: inout MarketReader, at now: Timestamp
  ) {
    heard[socket.id] = now
    // The relay answers with nothing, literally.
    if text == Array("PING".utf8) { return socket.outbox.append(Frame(JSONText([]), .control)) }
    guard let request = text.scanned(RelayRequest.init) else { return }
    for item in request.subscriptions {
      guard let series = series(of: item, reader) else { continue }
      let name = item.topic + " " + item.symbol
      // Of several filters of one topic only the last one counts.
      socket.feeds.removeAll { $0.name.hasPrefix(item.topic + " ") }
      guard request.action == "subscribe" else { continue }
      socket.feeds.append(Feed(name, .ticks(delay: Self.delayMicroseconds), series: series, from: now, &reader))
      if !item.topic.hasPrefix("crypto_prices_twap") {
        let symbol = item.topic == "crypto_prices" ? reader.market.series[series].symbol : reader.feed(series)
        socket.outbox.append(snapshot(symbol, series, &reader, at: now))
      }
    }
  }

  /// The filter must be the exact text, as the relay wants it.
  private func series(of item: RelayRequest.Item, _ reader: MarketReader) -> Int? {
    switch item.topic {
    case "crypto_prices_chainlink", "crypto_prices_twap_thirty", "crypto_prices_twap_sixty":
      reader.market.series.indices.first { reader.feed($0).name.lowercased() == item.symbol }
    case "crypto_prices": reader.series(item.symbol.uppercased())
    default: nil
    }
  }

  // MARK: Messages

  func frames(
    for event: Feed.Event, of feed: Feed, _ socket: inout SimulatedSocket, _ reader: inout MarketReader,
    at now: Timestamp
  ) -> [Frame] {
    guard case .tick(let tick) = event,
      now.microseconds - (heard[socket.id] ?? now).microseconds <= Self.patienceMicroseconds
    else { return [] }
    let words = feed.name.split(separator: " ").map(String.init)
    let stamp = reader.stamp(now)
    if words[0] == "crypto_prices" { return [Frame(price(tick, of: words[1], stamp), .trade)] }
    let windows: [String: Int64] = ["crypto_prices_twap_thirty": 30, "crypto_prices_twap_sixty": 60]
    var told = tick
    if let window = windows[words[0]] {
      guard let mean = reader.mean(feed.series, seconds: window, at: tick.time) else { return [] }
      (told.quantity, told.price) = (.timeWeightedMean(seconds: Int(window)), mean)
    }
    let text = RelayProtocol.update(told, sentAt: stamp, connection: Self.connection(socket))
    return text.map { [Frame(JSONText(stringLiteral: $0), .trade)] } ?? []
  }

  /// Of Binance, with as many digits as that venue has.
  private func price(_ tick: OracleTick, of symbol: String, _ stamp: Timestamp) -> JSONText {
    """
    {"topic":"crypto_prices","type":"update","timestamp":\(stamp.milliseconds),"payload":{\
    "symbol":"\(text: symbol)","timestamp":\(tick.time.milliseconds),"value":\(text: tick.price.number),\
    "full_accuracy_value":"\(text: tick.price.plain(places: 8))"}}
    """
  }

  private static func connection(_ socket: SimulatedSocket) -> String {
    "00000000-0000-4000-8000-00000000\(1000 + socket.id % 9000)"
  }

  /// Comes under the topic `crypto_prices`, whatever was asked for.
  private func snapshot(_ symbol: Symbol, _ series: Int, _ reader: inout MarketReader, at now: Timestamp) -> Frame {
    let seen = now.adding(microseconds: -Self.delayMicroseconds)
    let ticks = reader.ticks(series, in: seen.adding(microseconds: -Self.snapshotSeconds * 1_000_000)...seen)
    return Frame(
      JSONText(stringLiteral: RelayProtocol.snapshot(ticks, of: symbol, sentAt: reader.stamp(now))))
  }
}

extension OraclePrice {
  /// Cut after so many places.
  func plain(places: Int) -> String { String(description.dropLast(Self.fractionDigits - places)) }
}

/// What a client asks of the relay.
private struct RelayRequest {
  struct Item {
    var topic = ""
    var symbol = ""
  }

  var action = ""
  var subscriptions: [Item] = []

  init(_ scanner: inout JSONScanner) throws(VenueError) {
    var (action, items) = ("", [Item]())
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "action": action = try scanner.string()
      case "subscriptions":
        try scanner.array { scanner, _ throws(VenueError) in items.append(try Self.item(&scanner)) }
      default: try scanner.skip()
      }
    }
    try scanner.end()
    (self.action, subscriptions) = (action, items)
  }

  private static func item(_ scanner: inout JSONScanner) throws(VenueError) -> Item {
    var item = Item()
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "topic": item.topic = try scanner.string()
      case "filters": item.symbol = symbol(in: try scanner.string())
      default: try scanner.skip()
      }
    }
    return item
  }

  /// `{"symbol":"btc/usd"}` without a space, or the first of a plain list.
  private static func symbol(in filter: String) -> String {
    let start = "{\"symbol\":\""
    if filter.hasPrefix(start), filter.hasSuffix("\"}") { return String(filter.dropFirst(start.count).dropLast(2)) }
    return filter.contains("{") ? "" : String(filter.prefix { $0 != "," })
  }
}
