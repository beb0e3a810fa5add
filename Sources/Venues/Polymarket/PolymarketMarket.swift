package import Market

/// What Polymarket's catalogue says of one market, as far as it tells how the market settles.
package struct PolymarketMarket: Hashable, Sendable {
  package var slug: String
  /// `nil` for markets without a window.
  package var windowStart: Timestamp?
  package var end: Timestamp?
  package var isClosed: Bool
  package var outcomes: [Outcome]
  /// As the catalogue names it, usually an address.
  package var resolutionSource: String
  /// How prices become the two ends of the window; `nil` where the source is not Chainlink, or is not known.
  package var rule: SettlementRule?
  /// The official price at the window's start, published once it has begun.
  package var priceToBeat: OraclePrice?

  package struct Outcome: Hashable, Sendable {
    package var name: String
    /// The market's price of it between 0 and 1, and 0 or 1 once it is decided.
    package var price: Decimal8?
    /// Too long for an integer.
    package var token: String?

    package init(name: String, price: Decimal8? = nil, token: String? = nil) {
      (self.name, self.price, self.token) = (name, price, token)
    }
  }

  /// The outcome that came true; `nil` while that is open.
  package var winner: String? {
    guard isClosed, let one = Decimal8("1") else { return nil }
    let winners = outcomes.filter { $0.price == one }
    guard winners.count == 1, outcomes.allSatisfy({ $0.price == one || $0.price == .zero }) else { return nil }
    return winners[0].name
  }

  // MARK: Requests

  /// A market by its name; closed ones too.
  package static func request(slug: String) -> VenueRequest { VenueRequest(.get, "/markets/slug/" + escaped(slug)) }

  /// Five- and fifteen-minute markets are named after the start of their window.
  package static func slug(asset: String, minutes: Int, start: Timestamp) -> String {
    "\(asset)-updown-\(minutes)m-\(start.microseconds.flooredQuotient(1_000_000))"
  }

  private static func escaped(_ slug: String) -> String {
    slug.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
  }

  /// Of an answer with one market, or with a list of them.
  package static func markets(in answer: VenueAnswer) throws(VenueError) -> [PolymarketMarket] {
    try answer.requireSuccess(\.errorText)
    return try answer.scan { scanner throws(VenueError) in
      var markets: [PolymarketMarket] = []
      guard scanner.peek() == .array else { return [try PolymarketMarket(&scanner)] }
      try scanner.array { scanner, _ throws(VenueError) in markets.append(try PolymarketMarket(&scanner)) }
      return markets
    }
  }
}

// MARK: - Reading

extension PolymarketMarket {
  private struct Columns {
    var names: [String] = []
    var prices: [String] = []
    var tokens: [String] = []
  }

  fileprivate init(_ scanner: inout JSONScanner) throws(VenueError) {
    self.init(slug: "", isClosed: false, outcomes: [], resolutionSource: "")
    var columns = Columns()
    var configuration: Configuration?
    try scanner.object { scanner, key throws(VenueError) in
      if scanner.takeNull() { return }
      switch key {
      case "slug": slug = try scanner.string()
      case "eventStartTime": windowStart = try scanner.time("eventStartTime")
      case "endDate": end = try scanner.time("endDate")
      case "closed": isClosed = try scanner.boolean()
      case "resolutionSource": resolutionSource = try scanner.string()
      case "outcomes": columns.names = try scanner.texts("outcomes")
      case "outcomePrices": columns.prices = try scanner.texts("outcomePrices")
      case "clobTokenIds": columns.tokens = try scanner.texts("clobTokenIds")
      case "cryptoMarketConfig": configuration = try Configuration(&scanner)
      case "eventMetadata": try readMetadata(&scanner)
      case "events": try readEvents(&scanner)
      default: try scanner.skip()
      }
    }
    guard !slug.isEmpty else { throw scanner.malformed("a market without slug") }
    outcomes = try Self.outcomes(columns)
    rule = try Self.rule(configuration, source: resolutionSource)
    try requireNamedWindow()
  }

  /// The three lists belong together by index.
  private static func outcomes(_ columns: Columns) throws(VenueError) -> [Outcome] {
    for (field, list) in [("outcomePrices", columns.prices), ("clobTokenIds", columns.tokens)]
    where !list.isEmpty && list.count != columns.names.count {
      throw .badValue(field: field, value: "\(list.count) entries", reason: "there are \(columns.names.count) outcomes")
    }
    var outcomes: [Outcome] = []
    for (index, name) in columns.names.enumerated() {
      var outcome = Outcome(name: name)
      if !columns.tokens.isEmpty { outcome.token = columns.tokens[index] }
      if !columns.prices.isEmpty {
        guard let price = Decimal8(columns.prices[index]), price >= .zero, price.units <= Decimal8.scale else {
          throw .badValue(field: "outcomePrices", value: columns.prices[index], reason: "not between 0 and 1")
        }
        outcome.price = price
      }
      outcomes.append(outcome)
    }
    return outcomes
  }

  private struct Configuration {
    var isMean: Bool?
    var seconds: Int64?

    init(_ scanner: inout JSONScanner) throws(VenueError) {
      try scanner.object { scanner, key throws(VenueError) in
        if scanner.takeNull() { return }
        switch key {
        case "twapEnabled": isMean = try scanner.boolean()
        case "twapLookbackSeconds": seconds = try scanner.integer()
        default: try scanner.skip()
        }
      }
    }

    func rule() throws(VenueError) -> SettlementRule? {
      guard let isMean else { return nil }
      guard isMean else { return .point }
      guard let seconds, (1...3600).contains(seconds) else {
        throw .badValue(field: "twapLookbackSeconds", value: "\(seconds ?? 0)", reason: "no length of a mean")
      }
      return .timeWeightedMean(seconds: Int(seconds))
    }
  }

  /// By the market's configuration and by the stream that it names; if both speak they must agree.
  private static func rule(_ configuration: Configuration?, source: String) throws(VenueError) -> SettlementRule? {
    let configured = try configuration?.rule()
    let named = ruleNamed(by: source)
    if let configured, let named, configured != named {
      throw .badValue(
        field: "resolutionSource", value: source, reason: "the market's configuration says \(configured.name)")
    }
    return named ?? (source.isEmpty ? configured : nil)
  }

  /// `…/streams/btc-usd` and `…/streams/btc-usd-twap-60s-streams`.
  private static func ruleNamed(by source: String) -> SettlementRule? {
    let prefix = "https://data.chain.link/streams/"
    guard source.hasPrefix(prefix) else { return nil }
    let parts = source.dropFirst(prefix.count).split(separator: "-")
    guard let mark = parts.firstIndex(of: "twap") else { return parts.count == 2 ? .point : nil }
    guard mark + 1 < parts.count, parts[mark + 1].hasSuffix("s"), let seconds = Int(parts[mark + 1].dropLast()),
      (1...3600).contains(seconds)
    else { return nil }
    return .timeWeightedMean(seconds: seconds)
  }

  /// A name of the form `btc-updown-5m-1787414400` must tell the same start.
  private func requireNamedWindow() throws(VenueError) {
    guard slug.contains("-updown-"), let windowStart,
      let seconds = slug.split(separator: "-").last.flatMap({ Int64($0) })
    else { return }
    guard windowStart == Timestamp(plausible: seconds, unitsPerSecond: 1) else {
      throw .badValue(field: "eventStartTime", value: windowStart.description, reason: "the market is named \(slug)")
    }
  }

  private mutating func readEvents(_ scanner: inout JSONScanner) throws(VenueError) {
    try scanner.array { scanner, _ throws(VenueError) in
      try scanner.object { scanner, key throws(VenueError) in
        if scanner.takeNull() { return }
        guard case "eventMetadata" = key else { return try scanner.skip() }
        try readMetadata(&scanner)
      }
    }
  }

  private mutating func readMetadata(_ scanner: inout JSONScanner) throws(VenueError) {
    try scanner.object { scanner, key throws(VenueError) in
      if scanner.takeNull() { return }
      guard case "priceToBeat" = key else { return try scanner.skip() }
      let text = scanner.peek() == .string ? try scanner.rawString() : try scanner.numberText()
      guard let price = OraclePrice(text), price.units > 0 else {
        throw .badValue(field: "priceToBeat", value: text.shown, reason: "not a price")
      }
      priceToBeat = price
    }
  }
}

extension JSONScanner {
  fileprivate mutating func time(_ field: String) throws(VenueError) -> Timestamp {
    let text = try string()
    guard text.contains("-"), let time = Timestamp(text) else {
      throw .badValue(field: field, value: String(text.prefix(40)), reason: "not an ISO 8601 time")
    }
    return time
  }

  /// A list of texts inside a text, as the catalogue sends lists.
  fileprivate mutating func texts(_ field: String) throws(VenueError) -> [String] {
    let inner = Array(try string().utf8)
    return try inner.withUnsafeBufferPointer { bytes throws(VenueError) in
      var scanner = JSONScanner(bytes)
      var texts: [String] = []
      try scanner.array { scanner, _ throws(VenueError) in texts.append(try scanner.string()) }
      try scanner.end()
      return texts
    }
  }
}
