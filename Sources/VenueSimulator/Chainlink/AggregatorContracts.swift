import Crypto
import Market
import Venues

/// The feeds' contracts behind a node: one answer a minute.
struct AggregatorContracts {
  private static let phase: UInt16 = 7
  private static let decimals = 8
  /// Within its minute.
  private static let answerOffset: Int64 = 27_000_000

  /// Bitcoin's proxies on Ethereum, Arbitrum One and Polygon.
  private static let bitcoin: Set = [
    "0xf4030086522a5beea4988f8ca5b36dbc97bee88c", "0x6ce185860a4963106506c203335a2910413708e9",
    "0xc907e116054ad103354f2d350fd2514433d57f6f",
  ]
  private static let aggregatorPrefix = "0xa66e"

  /// Of a feed other than bitcoin's: made of its name.
  static func address(of feed: Symbol) -> String {
    if feed.name == "BTC/USD" { return "0xF4030086522a5bEEa4988F8cA5B36dbC97BeE88c" }
    return "0x" + SHA256.hexDigest(of: Array(feed.name.utf8)).prefix(40)
  }

  // MARK: JSON-RPC

  func answer(_ body: [UInt8], _ reader: inout MarketReader, at now: Timestamp) -> SimulatedAnswer {
    guard let calls = body.scanned(Self.calls) else {
      return SimulatedAnswer(
        200, #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}"#)
    }
    var answers: [JSONText] = []
    for call in calls.items { answers.append(answer(call, &reader, at: now)) }
    return SimulatedAnswer(200, calls.isBatch ? .array(answers) : answers[0])
  }

  private struct Call {
    var id: JSONText = "null"
    var method = ""
    var address = ""
    var data = ""
  }

  private static func calls(_ scanner: inout JSONScanner) throws(VenueError) -> (items: [Call], isBatch: Bool) {
    guard scanner.peek() == .array else { return ([try call(&scanner)], false) }
    var items: [Call] = []
    try scanner.array { scanner, _ throws(VenueError) in items.append(try call(&scanner)) }
    return (items, true)
  }

  private static func call(_ scanner: inout JSONScanner) throws(VenueError) -> Call {
    var call = Call()
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "id": call.id = scanner.peek() == .number ? "\(try scanner.integer())" : "\(quoted: try scanner.string())"
      case "method": call.method = try scanner.string()
      case "params":
        try scanner.array { scanner, index throws(VenueError) in
          guard index == 0, scanner.peek() == .object else { return try scanner.skip() }
          try scanner.object { scanner, key throws(VenueError) in
            switch key {
            case "to": call.address = try scanner.string().lowercased()
            case "data", "input": call.data = try scanner.string().lowercased()
            default: try scanner.skip()
            }
          }
        }
      default: try scanner.skip()
      }
    }
    return call
  }

  private func answer(_ call: Call, _ reader: inout MarketReader, at now: Timestamp) -> JSONText {
    switch call.method {
    case "eth_chainId": return #"{"jsonrpc":"2.0","id":\#(call.id),"result":"0x1"}"#
    case "eth_blockNumber":
      let block = String(now.seconds / 12, radix: 16)
      return #"{"jsonrpc":"2.0","id":\#(call.id),"result":"0x\#(text: block)"}"#
    case "eth_call":
      guard let series = series(at: call.address, reader) else {
        return #"{"jsonrpc":"2.0","id":\#(call.id),"result":"0x"}"#
      }
      guard let result = result(of: call, series, &reader, at: now) else {
        return """
          {"jsonrpc":"2.0","id":\(call.id),"error":{"code":3,"message":"execution reverted: No data present",\
          "data":"0x08c379a00000000000000000000000000000000000000000000000000000000000000020\
          000000000000000000000000000000000000000000000000000000000000000f4e6f2064617461207072\
          6573656e740000000000000000000000000000000000"}}
          """
      }
      return #"{"jsonrpc":"2.0","id":\#(call.id),"result":"0x\#(text: result.hexadecimal)"}"#
    default:
      return #"{"jsonrpc":"2.0","id":\#(call.id),"error":{"code":-32601,"message":"method not found"}}"#
    }
  }

  private func series(at address: String, _ reader: MarketReader) -> Int? {
    reader.market.series.indices.first { series in
      let feed = reader.feed(series)
      let proxies = feed.name == "BTC/USD" ? Self.bitcoin : [Self.address(of: feed)]
      return proxies.contains(address) || proxies.contains { Self.aggregator(behind: $0) == address }
    }
  }

  private static func aggregator(behind proxy: String) -> String { aggregatorPrefix + proxy.dropFirst(6) }

  // MARK: Contract

  /// `nil` reverts.
  private func result(
    of call: Call, _ series: Int, _ reader: inout MarketReader, at now: Timestamp
  ) -> [UInt8]? {
    let isAggregator = call.address.hasPrefix(Self.aggregatorPrefix)
    let proxy = isAggregator ? "" : call.address
    switch call.data.prefix(10) {
    case "0xfeaf968c":
      guard let last = lastRound(series, reader, at: now) else { return nil }
      return round(last, series, &reader, at: now)?.result
    case "0x9a6fc8f5":
      guard let argument = [UInt8](hexadecimal: call.data.dropFirst(10).utf8), argument.count == 32,
        UInt16(argument[22]) << 8 | UInt16(argument[23]) == Self.phase
      else { return nil }
      let number = argument[24...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      return round(number, series, &reader, at: now)?.result
    case "0x313ce567": return Self.word(UInt64(Self.decimals))
    case "0x54fd4d50": return Self.word(4)
    case "0x58303b10": return Self.word(UInt64(Self.phase))
    case "0x668a0f02":
      guard let last = lastRound(series, reader, at: now) else { return nil }
      var word = Self.word(last)
      if !isAggregator { (word[22], word[23]) = (0, UInt8(Self.phase)) }
      return word
    case "0x50d25bcd":
      guard let last = lastRound(series, reader, at: now) else { return nil }
      return (round(last, series, &reader, at: now)?.answer).map { Self.word(UInt64(clamping: $0)) }
    case "0x245a7bfc": return Self.addressWord(Self.aggregator(behind: proxy))
    case "0xc1597304":
      let isCurrent = call.data.hasSuffix("07")
      return isCurrent ? Self.addressWord(Self.aggregator(behind: proxy)) : Self.word(0)
    case "0x7284e416":
      let text = Array(reader.feed(series).name.replacing("/", with: " / ").utf8)
      return Self.word(32) + Self.word(UInt64(text.count)) + text + [UInt8](repeating: 0, count: 32 - text.count % 32)
    default: return nil
    }
  }

  private static func word(_ value: UInt64) -> [UInt8] {
    [UInt8](repeating: 0, count: 24)
      + stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  private static func addressWord(_ address: String) -> [UInt8] {
    [UInt8](repeating: 0, count: 12) + ([UInt8](hexadecimal: address.dropFirst(2).utf8) ?? [])
  }

  private func lastRound(_ series: Int, _ reader: MarketReader, at now: Timestamp) -> UInt64? {
    let seen = now.adding(microseconds: -Self.answerOffset)
    let count = reader.market.series[series].index(from: Timestamp(minute: seen.minute + 1))
    return count > 0 ? UInt64(count) : nil
  }

  /// Rounds count the minutes of the recording from 1.
  private func round(
    _ number: UInt64, _ series: Int, _ reader: inout MarketReader, at now: Timestamp
  ) -> AggregatorRound? {
    guard let last = lastRound(series, reader, at: now), (1...last).contains(number) else { return nil }
    let time = reader.market.series[series].candles[Int(number) - 1].openTime.adding(microseconds: Self.answerOffset)
    guard let tick = reader.lastTick(series, at: time), let price = tick.price.rounded else { return nil }
    return AggregatorRound(
      id: RoundID(phase: Self.phase, round: number), answer: price.units,
      startedAt: time.adding(microseconds: -12_000_000),
      updatedAt: time)
  }
}
