import Crypto
import Market
import Testing
import Venues

@Suite struct ChainlinkAggregatorTests {
  private let ethereum = AggregatorProtocol.Contract.all[0]
  private let now = Timestamp(milliseconds: 1_767_225_700_000)

  private struct Sample: Decodable {
    struct Response: Decodable { var result: String }
    var response: Response
  }

  private func latestRound() throws -> [UInt8] {
    let text = try OracleFixture.decoded("chainlink.eth_call_latest_round.json", as: Sample.self).response.result
    #expect(text.count == 322)
    return try #require([UInt8](hexadecimal: text.utf8.dropFirst(2)))
  }

  private func answer(_ results: [(id: Int, bytes: [UInt8])]) -> VenueAnswer {
    let texts = results.map { "{\"jsonrpc\":\"2.0\",\"id\":\($0.id),\"result\":\"0x\($0.bytes.hexadecimal)\"}" }
    return VenueAnswer("[\(texts.joined(separator: ","))]")
  }

  private func word(_ value: Int) -> [UInt8] {
    [UInt8](repeating: 0, count: 24) + (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) }
  }

  private func text(_ value: String) -> [UInt8] {
    let padding = [UInt8](repeating: 0, count: 32 - value.utf8.count)
    return word(32) + word(value.utf8.count) + Array(value.utf8) + padding
  }

  // MARK: Calls

  @Test func `requests are the documented bytes`() throws {
    let known = AggregatorProtocol(ethereum, decimals: 8)
    let poll = try #require(known.pollRequest(.bitcoinUSD, now: now))
    #expect(try String(decoding: poll.body, as: UTF8.self) == OracleFixture.compact("chainlink.eth_call_request.json"))
    #expect(poll.method == .post)
    let call = known.call(.roundData(RoundID(phase: 7, round: 12345)))
    #expect(try call.json(id: 2) == OracleFixture.compact("chainlink.eth_call_get_round_request.json"))
    #expect(
      ContractCall("0x1", .aggregatorOfPhase(3)).data == "0xc1597304" + String(repeating: "0", count: 63) + "3")
  }

  @Test func `while decimals are not known, one request asks for all that gives them a meaning`() throws {
    let poll = try #require(AggregatorProtocol(ethereum).pollRequest(.bitcoinUSD, now: now))
    let body = String(decoding: poll.body, as: UTF8.self)
    #expect(body.hasPrefix("[{") && body.hasSuffix("}]"))
    for selector in ["feaf968c", "313ce567", "7284e416"] { #expect(body.contains(selector)) }
    #expect(AggregatorProtocol(ethereum).pollRequest(.btcusdt, now: now) == nil)
  }

  // MARK: Answers

  @Test func `the latest round has its phase, round, price and times`() throws {
    let round = try #require(try AggregatorRound(result: latestRound()))
    #expect(round.id == RoundID(phase: 7, round: 12345))
    #expect(round.id.description == "129127208515966873657")
    #expect(round.answer == 6_500_012_345_678)
    #expect(round.startedAt == Timestamp(milliseconds: 1_767_225_599_000))
    #expect(round.updatedAt == Timestamp(milliseconds: 1_767_225_611_000))
    #expect(try round.result == latestRound())
    #expect(RoundID(phase: 5, round: 13078).description == "92233720368547771158")
    #expect(RoundID(phase: 4, round: 1).description == "73786976294838206465")
  }

  @Test func `answers are matched by id, and the contract's decimals make the price`() throws {
    let feed = AggregatorProtocol(ethereum)
    let parts = [(3, text("BTC / USD")), (1, try latestRound()), (2, word(8))]
    let ticks = try feed.ticks(.bitcoinUSD, in: answer(parts))
    #expect(
      ticks == [
        OracleTick(
          feed: .bitcoinUSD, source: .onChain, time: Timestamp(milliseconds: 1_767_225_611_000),
          price: OraclePrice("65000.12345678")!)
      ])
    let other = try feed.ticks(.bitcoinUSD, in: answer([parts[0], parts[1], (2, word(18))]))
    #expect(other[0].price == OraclePrice("0.000006500012345678"))
  }

  @Test func `what a contract does not say clearly is no price`() throws {
    let feed = AggregatorProtocol(ethereum)
    let round = try latestRound()
    let bad: [[(Int, [UInt8])]] = [
      [(1, round), (2, word(19)), (3, text("BTC / USD"))], [(1, round), (2, word(8)), (3, text("ETH / USD"))],
      [(1, round), (2, word(8))], [(1, []), (2, word(8)), (3, text("BTC / USD"))],
      [(1, Array(round.dropLast())), (2, word(8)), (3, text("BTC / USD"))],
      [(1, [UInt8](repeating: 0, count: 160)), (2, word(8)), (3, text("BTC / USD"))],
      [(1, [UInt8](repeating: 0xFF, count: 160)), (2, word(8)), (3, text("BTC / USD"))],
    ]
    for parts in bad { #expect(throws: VenueError.self) { try feed.ticks(.bitcoinUSD, in: answer(parts)) } }
  }

  @Test func `no contract, a revert and a node's own error are told apart`() throws {
    func result(_ name: String, id: Int) throws -> ContractCall.Result {
      let body = String(decoding: try OracleFixture.bytes(name), as: UTF8.self)
      let renumbered = body.replacing("\"id\": \(id)", with: "\"id\": 1")
      return try ContractCall.results(of: 1, in: VenueAnswer(renumbered))[0]
    }
    #expect(throws: VenueError.refused(status: 200, code: 3, reason: "execution reverted: No data present")) {
      try result("chainlink.eth_call_revert.json", id: 2).get()
    }
    let empty = #expect(throws: VenueError.self) { try result("chainlink.eth_call_empty.json", id: 3).get() }
    #expect(empty?.description.contains("no contract") == true)
    let whole = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"parse error\"}}"
    #expect(throws: VenueError.refused(status: 200, code: -32700, reason: "parse error")) {
      try ContractCall.results(of: 1, in: VenueAnswer(whole))
    }
    let busy = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32005,\"message\":\"rate\"}}"
    #expect(throws: VenueError.limited(status: 429, retryAfterSeconds: nil, reason: "rate")) {
      try ContractCall.results(of: 1, in: VenueAnswer(busy, status: 429))
    }
  }

  @Test func `a node that is imitated reads the calls and answers them`() throws {
    let calls: [ContractCall] =
      [.latestRoundData, .decimals, .description, .version, .phase, .aggregator, .latestRound]
      .map { ContractCall("0xF4030086522a5bEEa4988F8cA5B36dbC97BeE88c", $0) }
      + [
        ContractCall("0x1", .roundData(RoundID(phase: 7, round: .max))), ContractCall("0x1", .aggregatorOfPhase(.max)),
      ]
    let read = try ContractCall.calls(in: ContractCall.body(calls))
    #expect(read.map(\.id) == (1...9).map { Int64($0) })
    #expect(read.map(\.call) == calls)
    let single = try ContractCall.calls(in: OracleFixture.bytes("chainlink.eth_call_get_round_request.json"))
    #expect(single.map(\.call.function) == [.roundData(RoundID(phase: 7, round: 12345))])
    for text in ["[{\"id\":1,\"method\":\"eth_send\"}]", "{\"id\":1,\"method\":\"eth_call\",\"params\":[]}", ""] {
      #expect(throws: VenueError.self) { try ContractCall.calls(in: Array(text.utf8)) }
    }
    let answers = [
      ContractCall.answer(id: 2, ContractCall.result(8)), ContractCall.answer(id: 1, ContractCall.result("BTC / USD")),
    ]
    let results = try ContractCall.results(of: 2, in: VenueAnswer("[\(answers.joined(separator: ","))]"))
    #expect(try results[0].get().abiText() == "BTC / USD")
    #expect(try results[0].get() == text("BTC / USD"))
    #expect(try results[1].get().abiInteger("decimals") == 8)
  }

  @Test func `an answer is stale after its heartbeat and some slack`() throws {
    let round = try #require(try AggregatorRound(result: latestRound()))
    func isStale(seconds: Int64) -> Bool {
      ethereum.isStale(updatedAt: round.updatedAt, at: round.updatedAt.adding(microseconds: seconds * 1_000_000))
    }
    #expect(!isStale(seconds: 3660))
    #expect(isStale(seconds: 3661))
    #expect(!isStale(seconds: -5))
  }

  // MARK: Walking back

  /// A feed of three phases; the second has no aggregator. A round's time is its place in the history, in hours.
  private struct History {
    static let start: Int64 = 1_700_000_000
    var rounds: [UInt16: UInt64] = [1: 3, 3: 5]
    var missing: Set<RoundID> = []
    var proxy = "0xproxy"

    func time(_ id: RoundID) -> Int64 { Self.start + 3600 * Int64(id.phase == 1 ? id.round : 3 + id.round) }

    func answer(_ call: ContractCall, _ word: (Int) -> [UInt8]) -> ContractCall.Result {
      switch call.function {
      case .aggregatorOfPhase(let phase): .success(word(rounds[phase] == nil ? 0 : Int(phase)))
      case .latestRound: .success(word(Int(rounds[UInt16(call.address.suffix(2), radix: 16)!]!)))
      case .roundData(let id) where missing.contains(id) || id.round > rounds[id.phase] ?? 0:
        id.round.isMultiple(of: 2)
          ? .failure(.refused(status: 200, code: 3, reason: "No data present"))
          : .success([UInt8](repeating: 0, count: 160))
      case .roundData(let id):
        .success(
          AggregatorRound(
            id: id, answer: 100, startedAt: Timestamp(milliseconds: time(id) * 1000),
            updatedAt: Timestamp(milliseconds: time(id) * 1000)
          ).result)
      default: .failure(.unknown(kind: "call"))
      }
    }

    func walk(notBefore: Int64, batch: Int, _ word: (Int) -> [UInt8]) throws -> [RoundID] {
      var walk = RoundWalk(
        proxy: proxy, newest: RoundID(phase: 3, round: 5), notBefore: Timestamp(milliseconds: notBefore * 1000),
        batch: batch)
      var found: [RoundID] = []
      while !walk.calls.isEmpty { found += try walk.receive(walk.calls.map { answer($0, word) }).map(\.id) }
      return found
    }
  }

  @Test(arguments: [1, 2, 3, 20])
  func `a walk goes back over rounds and phases until the wanted time`(batch: Int) throws {
    let ids = ([5, 4, 3, 2, 1] as [UInt64]).map { RoundID(phase: 3, round: $0) }
    let old = ([3, 2, 1] as [UInt64]).map { RoundID(phase: 1, round: $0) }
    var history = History()
    #expect(try history.walk(notBefore: 0, batch: batch, word) == ids + old)
    #expect(try history.walk(notBefore: History.start + 3600 * 5, batch: batch, word) == Array(ids.prefix(4)))
    #expect(try history.walk(notBefore: History.start + 3600 * 2, batch: batch, word) == ids + old.prefix(2))
    history.missing = [ids[1], ids[2]]
    #expect(try history.walk(notBefore: 0, batch: batch, word) == [ids[0], ids[3], ids[4]] + old)
  }

  @Test func `a walk ends by its limit whatever a contract says`() throws {
    var walk = RoundWalk(
      proxy: "0x1", newest: RoundID(phase: 1, round: .max), notBefore: Timestamp(milliseconds: 0), requestLimit: 3)
    var requests = 0
    while !walk.calls.isEmpty {
      requests += 1
      _ = try walk.receive(walk.calls.map { _ in .success([UInt8](repeating: 0, count: 160)) })
    }
    #expect(requests == 3)
  }
}
