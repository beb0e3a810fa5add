/// Where prices come from, in lower case: `binance`, `coinbase`, `chainlink`, `sim-binance`.
package struct Venue: Hashable, Sendable, TextCodable {
  package let name: String

  /// `nil` unless the name is 1–32 lower-case letters, digits or hyphens.
  package init?(_ name: String) {
    guard (1...32).contains(name.utf8.count),
      name.utf8.allSatisfy({ $0.isDigit || $0 == 45 || (97...122).contains($0) })
    else { return nil }
    self.name = name
  }

  package var description: String { name }

  /// A simulator's venues never mix with real ones.
  package var isSimulated: Bool { name.hasPrefix("sim-") }

  /// The venue that a simulated one imitates; any other is itself.
  package var original: Venue { isSimulated ? Venue(String(name.dropFirst(4))) ?? self : self }

  package static let binance = Venue(trusted: "binance")
  package static let bybit = Venue(trusted: "bybit")
  package static let chainlink = Venue(trusted: "chainlink")
  package static let coinbase = Venue(trusted: "coinbase")

  private init(trusted name: String) { self.name = name }
}

/// A venue's own name of an instrument, such as `BTCUSDT` or `BTC/USD`.
package struct Symbol: Hashable, Sendable, TextCodable {
  package let name: String

  /// `nil` unless the name is 1–32 upper-case letters, digits, `/` or `-`.
  package init?(_ name: String) {
    guard (1...32).contains(name.utf8.count),
      name.utf8.allSatisfy({ $0.isDigit || $0 == 45 || $0 == 47 || (65...90).contains($0) })
    else { return nil }
    self.name = name
  }

  /// The same from bytes as they come, cheaply enough for a million a second.
  package init?(utf8 bytes: UnsafeBufferPointer<UInt8>) {
    guard (1...32).contains(bytes.count) else { return nil }
    for byte in bytes where !((65...90).contains(byte) || byte.isDigit || byte == 45 || byte == 47) { return nil }
    name = String(decoding: bytes, as: UTF8.self)
  }

  package var description: String { name }

  package static let btcusdt = Symbol(trusted: "BTCUSDT")
  /// Chainlink's name of its feed.
  package static let bitcoinUSD = Symbol(trusted: "BTC/USD")

  private init(trusted name: String) { self.name = name }
}

/// One-minute candles of one instrument on one venue. Series are never merged silently.
package struct Series: Hashable, Sendable, TextCodable {
  package let venue: Venue
  package let symbol: Symbol

  package init(_ venue: Venue, _ symbol: Symbol) {
    (self.venue, self.symbol) = (venue, symbol)
  }

  /// Reads `binance:BTCUSDT`.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let venue = Venue(String(parts[0])), let symbol = Symbol(String(parts[1])) else {
      return nil
    }
    self.init(venue, symbol)
  }

  package var description: String { "\(venue):\(symbol)" }
}

/// Which series gives prices to a pipeline and which gives volumes; without `volume` one exchange gives both.
package struct MarketView: Hashable, Sendable, TextCodable {
  package let price: Series
  package let volume: Series?

  package init(price: Series, volume: Series? = nil) {
    (self.price, self.volume) = (price, volume)
  }

  /// Reads `binance:BTCUSDT` or `chainlink:BTC/USD+binance:BTCUSDT`.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "+", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let price = Series(parts[0]) else { return nil }
    guard parts.count == 2 else {
      self.init(price: price)
      return
    }
    guard let volume = Series(parts[1]) else { return nil }
    self.init(price: price, volume: volume)
  }

  package var description: String { volume.map { "\(price)+\($0)" } ?? "\(price)" }
}
