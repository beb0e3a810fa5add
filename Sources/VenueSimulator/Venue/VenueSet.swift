import Market
import Venues

/// The venues of a simulator, each at a path of its own; what has no such path goes to Binance.
package struct VenueSet: Sendable {
  /// Keys that clients of Data Streams sign with.
  package struct Credentials: Sendable {
    package static let apiKey = "00000000-0000-4000-8000-000000000001"
    package static let secret = "candlecast-simulator"
  }

  package private(set) var venues: [SimulatedVenue]

  package init(_ market: SimulatedMarket, faults: FaultPlan, seed: UInt64) {
    let credentials = DataStreamsCredentials(apiKey: Credentials.apiKey, secret: Secret(Credentials.secret))
    let dialects: [(String, any Dialect)] = [
      ("binance", BinanceDialect(.global)), ("binance-sbe", BinanceDialect(.binary)),
      ("binanceus", BinanceDialect(.us)), ("coinbase", CoinbaseAdvancedDialect()),
      ("coinbase-exchange", CoinbaseExchangeDialect()), ("bybit", BybitDialect()),
      ("chainlink", ChainlinkDialect(credentials: credentials)), ("rtds", RelayDialect()),
      ("polybolt", PolyBoltDialect()),
    ]
    venues = dialects.map { SimulatedVenue($0, $1, market, faults, seed: seed) }
  }

  package subscript(index: Int) -> SimulatedVenue {
    get { venues[index] }
    _modify { yield &venues[index] }
  }

  package func venue(_ name: String) -> SimulatedVenue? { venues.first { $0.name == name } }

  /// The venue that a path belongs to, and the path as the venue knows it.
  package func route(_ path: String) -> (venue: Int, path: String) {
    for (index, venue) in venues.enumerated() {
      let prefix = "/" + venue.name
      guard path.hasPrefix(prefix) else { continue }
      let rest = path.dropFirst(prefix.count)
      if rest.isEmpty { return (index, "/") }
      if rest.first == "/" { return (index, String(rest)) }
      if rest.first == "?" { return (index, "/" + rest) }
    }
    return (0, path)
  }
}
