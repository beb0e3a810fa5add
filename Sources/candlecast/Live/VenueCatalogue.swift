import Ingestion
import Market
import Operations
import Venues

/// How each known venue is spoken to and reached, as the configuration has it.
struct VenueCatalogue: Sendable {
  let configuration: Configuration

  /// What the configuration says is spoken at a venue; a simulated one speaks like the one that it imitates.
  func interface(of venue: Venue) throws -> String {
    switch venue.original.name {
    case "binance": configuration.text("binance.encoding") == "sbe" ? "binance-sbe" : "binance"
    case "binance-us": "binance-us"
    case "coinbase": "coinbase-" + (configuration.text("coinbase.interface") ?? "exchange")
    case "bybit": "bybit"
    case "chainlink": "chainlink-" + (configuration.text("chainlink.source") ?? "data-streams")
    default:
      throw CommandError(
        .wrongUsage,
        "no live feed of \(venue) is known; there are binance, binance-us, coinbase, bybit, chainlink, and sim- before "
          + "any of them for what a simulator sends")
    }
  }

  func feed(_ interface: String, _ venue: Venue) throws -> any FeedProtocol {
    switch interface {
    case "binance": BinanceProtocol(venue: venue)
    case "binance-us": BinanceProtocol(venue: venue, flavour: .us)
    case "binance-sbe": BinanceSBEProtocol(venue: venue, apiKey: try secret("binance.api_key", for: interface))
    case "coinbase-exchange": CoinbaseExchangeProtocol(venue: venue)
    case "coinbase-advanced": CoinbaseAdvancedProtocol(venue: venue)
    case "bybit": BybitProtocol(venue: venue)
    case "chainlink-data-streams": try dataStreams(venue)
    case "chainlink-rtds": RelayProtocol(venue: venue)
    case "chainlink-polybolt":
      PolyBoltProtocol(
        venue: venue,
        credentials: .init(
          apiKey: try secret("polymarket.api_key", for: interface),
          secret: Secret(try secret("polymarket.api_secret", for: interface)),
          passphrase: Secret(try secret("polymarket.passphrase", for: interface))))
    case "chainlink-on-chain": try aggregator(venue)
    default: throw CommandError(.badData, "the recording needs the interface \(interface), which this program lacks")
    }
  }

  func endpoints(_ interface: String) throws -> (rest: Endpoints, streams: Endpoints?) {
    let keys = Self.endpointKeys(interface)
    guard
      let rest = keys.rest.flatMap({ Endpoints(addresses($0)) }) ?? keys.streams.flatMap({ Endpoints(addresses($0)) })
    else { throw CommandError(.wrongUsage, "\(interface) needs an address: set \(keys.rest ?? "its knob")") }
    return (rest, keys.streams.flatMap { Endpoints(addresses($0)) })
  }

  private static func endpointKeys(_ interface: String) -> (rest: String?, streams: String?) {
    switch interface {
    case "binance": ("binance.api_url", "binance.stream_url")
    case "binance-sbe": ("binance.api_url", "binance.sbe_url")
    case "binance-us": ("binance_us.api_url", "binance_us.stream_url")
    case "coinbase-exchange", "coinbase-advanced": ("coinbase.api_url", "coinbase.stream_url")
    case "bybit": ("bybit.api_url", "bybit.stream_url")
    case "chainlink-rtds": (nil, "polymarket.rtds_url")
    case "chainlink-polybolt": (nil, "polymarket.polybolt_url")
    case "chainlink-on-chain": ("chainlink.rpc_url", nil)
    default: ("chainlink.api_url", "chainlink.stream_url")
    }
  }

  private func addresses(_ key: String) -> [String] {
    if case .list(let addresses)? = configuration[key] { addresses } else { [] }
  }

  private func secret(_ key: String, for interface: String) throws -> String {
    if let text = configuration.text(key), !text.isEmpty { return text }
    let variable = KnobTable.all.first { $0.key == key }?.environmentName ?? key
    throw CommandError(
      .wrongUsage, "\(interface) needs \(key): set it in the configuration, or \(variable) in the environment")
  }

  private func dataStreams(_ venue: Venue) throws -> DataStreamsProtocol {
    let credentials = DataStreamsCredentials(
      apiKey: try secret("chainlink.api_key", for: "chainlink"),
      secret: Secret(try secret("chainlink.api_secret", for: "chainlink")))
    return DataStreamsProtocol(
      venue: venue, streams: [.init(.bitcoin, .bitcoinUSD)], credentials: credentials)
  }

  private func aggregator(_ venue: Venue) throws -> AggregatorProtocol {
    let chain = configuration.text("chainlink.chain") ?? "ethereum"
    guard let contract = AggregatorProtocol.Contract.all.first(where: { $0.chain == chain }) else {
      throw CommandError(.wrongUsage, "no contract of BTC/USD is known on \(chain)")
    }
    return AggregatorProtocol(contract, venue: venue, path: "")
  }
}
