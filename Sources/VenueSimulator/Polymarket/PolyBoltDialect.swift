import Market
import Venues

/// Polymarket's newer relay, which wants an account's credentials; the simulator takes any that are not empty.
struct PolyBoltDialect: Dialect {
  private static let delayMicroseconds: Int64 = 1_500_000
  private static let snapshotSeconds: Int64 = 120

  func answer(_ request: VenueRequest, _ reader: inout MarketReader, at now: Timestamp) -> SimulatedAnswer {
    SimulatedAnswer(status: 404, body: Array("not found".utf8))
  }

  func refusal(status: Int, at now: Timestamp) -> SimulatedAnswer { SimulatedAnswer(status: status) }

  // MARK: Sockets

  func open(
    _ socket: inout SimulatedSocket, _ reader: inout MarketReader, at now: Timestamp
  ) -> SimulatedAnswer? {
    nil
  }

  func receive(
    _ text: [UInt8], _ socket: inout SimulatedSocket, _ reader: inout MarketReader, at now: Timestamp
  ) {
    guard let request = text.scanned(PolyBoltRequest.init) else {
      return socket.outbox.append(Frame(#"{"op":"error","code":"bad_op"}"#, .control))
    }
    let id: JSONText = request.id.map { #","rid":\#(quoted: $0)"# } ?? ""
    switch request.operation {
    case "ping": socket.outbox.append(Frame(#"{"op":"pong"\#(id)}"#, .control))
    case "auth":
      guard request.hasCredentials else {
        socket.outbox.append(Frame(#"{"op":"error","code":"auth_invalid"\#(id)}"#, .control))
        return socket.closing = 4001
      }
      socket.isAuthorised = true
      socket.outbox.append(Frame(#"{"op":"authed"\#(id)}"#, .control))
    case "subscribe" where !socket.isAuthorised:
      socket.outbox.append(Frame(#"{"op":"error","code":"auth_required"\#(id)}"#, .control))
    case "subscribe":
      for item in request.items { subscribe(item, id, &socket, &reader, at: now) }
    default: socket.outbox.append(Frame(#"{"op":"error","code":"bad_op"\#(id)}"#, .control))
    }
  }

  private func subscribe(
    _ item: PolyBoltRequest.Item, _ id: JSONText, _ socket: inout SimulatedSocket, _ reader: inout MarketReader,
    at now: Timestamp
  ) {
    let isMean = item.channel == "price.crypto.twap"
    let series = reader.market.series.indices.first {
      reader.feed($0).name.lowercased().filter { $0 != "/" } == item.symbol
    }
    guard let series, isMean ? item.windowSeconds == 60 : item.channel == "price.crypto" else {
      return socket.outbox.append(Frame(#"{"op":"error","code":"bad_filter"\#(id)}"#, .control))
    }
    let name = item.channel + " " + item.symbol
    guard !socket.feeds.contains(where: { $0.name == name }) else { return }
    let subscribed: JSONText = #"{"op":"subscribed","channel":"\#(text: item.channel)"\#(id)}"#
    socket.outbox.append(Frame(subscribed, .control))
    let seen = now.adding(microseconds: -Self.delayMicroseconds)
    let ticks = reader.ticks(series, in: seen.adding(microseconds: -Self.snapshotSeconds * 1_000_000)...seen)
    var rows: [JSONText] = []
    for tick in ticks {
      let price = price(tick, series, isMean: isMean, &reader)
      rows.append(
        """
        {"full_accuracy_value":"\(text: isMean ? price.description : price.plain(places: 8))","timestamp":\(tick.time.milliseconds),\
        "value":\(text: price.number)}
        """)
    }
    let envelope = envelope(item.channel, socket.nextSequence() + 1, reader.stamp(now))
    socket.outbox.append(Frame(#"{\#(envelope),"snapshot":true,"payload":{"data":\#(.array(rows))}}"#))
    socket.feeds.append(Feed(name, .ticks(delay: Self.delayMicroseconds), series: series, from: now, &reader))
  }

  private func price(_ tick: OracleTick, _ series: Int, isMean: Bool, _ reader: inout MarketReader) -> OraclePrice {
    isMean ? reader.mean(series, seconds: 60, at: tick.time) ?? tick.price : tick.price
  }

  private func envelope(_ channel: String, _ number: Int64, _ stamp: Timestamp) -> JSONText {
    #""v":1,"channel":"\#(text: channel)","seq":\#(number),"ts":\#(stamp.milliseconds)"#
  }

  func frames(
    for event: Feed.Event, of feed: Feed, _ socket: inout SimulatedSocket, _ reader: inout MarketReader,
    at now: Timestamp
  ) -> [Frame] {
    guard case .tick(let tick) = event else { return [] }
    let words = feed.name.split(separator: " ").map(String.init)
    let isMean = words[0] == "price.crypto.twap"
    let price = price(tick, feed.series, isMean: isMean, &reader)
    let tail: JSONText = isMean ? #","window_seconds":60,"source":"chainlink""# : ""
    let envelope = envelope(words[0], socket.nextSequence() + 1, reader.stamp(now))
    return [
      Frame(
        """
        {\(envelope),"payload":{"symbol":"\(text: words[1])","value":\(text: price.number),\
        "full_accuracy_value":"\(text: price.description)","timestamp":\(tick.time.milliseconds)\(tail)}}
        """, .trade)
    ]
  }
}

/// What a client asks of the relay.
private struct PolyBoltRequest {
  struct Item {
    var channel = ""
    var symbol = ""
    var windowSeconds: Int64?
  }

  var operation = ""
  var id: String?
  var hasCredentials = false
  var items: [Item] = []

  private init() {}

  init(_ scanner: inout JSONScanner) throws(VenueError) {
    var request = PolyBoltRequest()
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "op": request.operation = try scanner.string()
      case "rid": request.id = try scanner.string()
      case "auth": request.hasCredentials = try Self.credentials(&scanner)
      case "subscriptions":
        try scanner.array { scanner, _ throws(VenueError) in request.items.append(try Self.item(&scanner)) }
      default: try scanner.skip()
      }
    }
    try scanner.end()
    self = request
  }

  private static func credentials(_ scanner: inout JSONScanner) throws(VenueError) -> Bool {
    var filled = 0
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "apiKey", "secret", "passphrase": filled += try scanner.string().isEmpty ? 0 : 1
      default: try scanner.skip()
      }
    }
    return filled == 3
  }

  private static func item(_ scanner: inout JSONScanner) throws(VenueError) -> Item {
    var item = Item()
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "channel": item.channel = try scanner.string()
      case "filter":
        try scanner.object { scanner, key throws(VenueError) in
          switch key {
          case "symbol": item.symbol = try scanner.string()
          case "window_seconds": item.windowSeconds = try scanner.integer()
          default: try scanner.skip()
          }
        }
      default: try scanner.skip()
      }
    }
    return item
  }
}
