package import Market

/// Chainlink's aggregator contract on a chain, read through a node by JSON-RPC. It answers when the price has moved
/// enough or an hour has passed, so it checks other sources and never replaces them.
package struct AggregatorProtocol: OracleProtocol {
  package let venue: Venue
  package let contract: Contract
  /// What follows the node's host, often with a key.
  private let path: String
  /// As the contract said; while not known they are asked for with every poll, and never assumed.
  package var decimals: Int?

  /// A feed's proxy on one chain.
  package struct Contract: Hashable, Sendable {
    package let chain: String
    package let address: String
    package let feed: Symbol
    /// The longest time between two answers that is promised.
    package let heartbeatSeconds: Int

    package init(chain: String, address: String, feed: Symbol, heartbeatSeconds: Int) {
      (self.chain, self.address, self.feed) = (chain, address, feed)
      self.heartbeatSeconds = heartbeatSeconds
    }

    /// The feed should have answered again since then, with some slack for the chain.
    package func isStale(updatedAt: Timestamp, at now: Timestamp, slackSeconds: Int = 60) -> Bool {
      now.microseconds - updatedAt.microseconds > Int64(heartbeatSeconds + slackSeconds) * 1_000_000
    }
  }

  package init(_ contract: Contract, venue: Venue = .chainlink, path: String = "/", decimals: Int? = nil) {
    (self.contract, self.venue, self.path, self.decimals) = (contract, venue, path, decimals)
  }

  // MARK: Polling

  package func pollRequest(_ symbol: Symbol, now: Timestamp) -> VenueRequest? {
    symbol == contract.feed ? request(pollCalls) : nil
  }

  package func ticks(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> [OracleTick] {
    let results = try ContractCall.results(of: pollCalls.count, in: answer)
    guard let round = try AggregatorRound(result: Self.value(results[0])) else {
      throw .badValue(field: "updatedAt", value: "0", reason: "the feed has no answer yet")
    }
    if let decimals { return [try tick(round, decimals: decimals)] }
    try requireFeed(Self.value(results[2]))
    return [try tick(round, decimals: try Self.decimals(Self.value(results[1])))]
  }

  private var pollCalls: [ContractCall] {
    decimals == nil ? [call(.latestRoundData), call(.decimals), call(.description)] : [call(.latestRoundData)]
  }

  // MARK: Parts

  package func request(_ calls: [ContractCall]) -> VenueRequest {
    VenueRequest(
      .post, path, headers: [VenueHeader("Content-Type", "application/json")], body: ContractCall.body(calls))
  }

  package func call(_ function: ContractCall.Function) -> ContractCall { ContractCall(contract.address, function) }

  package func tick(_ round: AggregatorRound, decimals: Int) throws(VenueError) -> OracleTick {
    guard let price = OraclePrice(round.answer, decimals: decimals) else {
      throw .badValue(field: "answer", value: String(round.answer), reason: "too large with \(decimals) decimals")
    }
    return OracleTick(feed: contract.feed, source: .onChain, time: round.updatedAt, price: price)
  }

  package static func decimals(_ result: [UInt8]) throws(VenueError) -> Int {
    let value = try result.abiInteger("decimals")
    guard value <= UInt64(OraclePrice.fractionDigits) else {
      throw .badValue(field: "decimals", value: String(value), reason: "more than \(OraclePrice.fractionDigits)")
    }
    return Int(value)
  }

  /// The contract describes itself as `BTC / USD`.
  private func requireFeed(_ result: [UInt8]) throws(VenueError) {
    let text = try result.abiText()
    guard text.filter({ $0 != " " }) == contract.feed.name else {
      throw .badValue(
        field: "description", value: text, reason: "\(contract.address) on \(contract.chain) is not \(contract.feed)")
    }
  }

  private static func value(_ result: ContractCall.Result) throws(VenueError) -> [UInt8] { try result.get() }
}

extension AggregatorProtocol.Contract {
  /// BTC/USD where it is known. Polygon's address is in common use but not in Chainlink's own list, and only Ethereum's
  /// heartbeat is: what the contract says of itself is checked before its first answer is believed.
  package static let all = [
    AggregatorProtocol.Contract(
      chain: "ethereum", address: "0xF4030086522a5bEEa4988F8cA5B36dbC97BeE88c", feed: .bitcoinUSD,
      heartbeatSeconds: 3600),
    AggregatorProtocol.Contract(
      chain: "arbitrum", address: "0x6ce185860a4963106506C203335A2910413708e9", feed: .bitcoinUSD,
      heartbeatSeconds: 86_400),
    AggregatorProtocol.Contract(
      chain: "polygon", address: "0xc907E116054Ad103354f2D350FD2514433D57F6f", feed: .bitcoinUSD,
      heartbeatSeconds: 3600),
  ]
}
