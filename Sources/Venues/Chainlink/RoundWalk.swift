package import Market

/// Goes back over a feed's rounds, and over the aggregators that came before the present one: says what to ask next.
///
/// Rounds are not equally spaced in time, so the only way to an earlier instant is round by round.
package struct RoundWalk: Sendable {
  private let proxy: String
  private let notBefore: Timestamp
  private let batch: Int
  private var place: Place
  /// Requests that may still be made: a contract could name any number of rounds.
  private var requestsLeft: Int

  private enum Place: Hashable, Sendable {
    case rounds(RoundID)
    case aggregator(phase: UInt16)
    case lastRound(phase: UInt16, address: String)
    case end
  }

  /// - Parameters:
  ///   - newest: the first round asked for.
  ///   - notBefore: the walk ends with the first round updated before this.
  ///   - batch: rounds asked for at once.
  package init(
    proxy: String, newest: RoundID, notBefore: Timestamp, batch: Int = 20, requestLimit: Int = 1000
  ) {
    (self.proxy, self.notBefore, self.batch) = (proxy, notBefore, max(batch, 1))
    requestsLeft = requestLimit
    place = newest.round > 0 ? .rounds(newest) : Self.before(newest.phase)
  }

  /// The calls to make at once; empty when the walk has ended.
  package var calls: [ContractCall] {
    guard requestsLeft > 0 else { return [] }
    return switch place {
    case .rounds(let id):
      (0..<min(UInt64(batch), id.round)).map {
        ContractCall(proxy, .roundData(RoundID(phase: id.phase, round: id.round - $0)))
      }
    case .aggregator(let phase): [ContractCall(proxy, .aggregatorOfPhase(phase))]
    case .lastRound(_, let address): [ContractCall(address, .latestRound)]
    case .end: []
    }
  }

  /// Takes the results of `calls` in their order and gives the rounds found, newest first. Rounds that do not exist are
  /// passed over.
  package mutating func receive(_ results: [ContractCall.Result]) throws(VenueError) -> [AggregatorRound] {
    requestsLeft -= 1
    switch place {
    case .rounds(let id): return try rounds(from: id, results)
    case .aggregator(let phase):
      let address = try results.first?.get().abiAddress()
      place = address.map { .lastRound(phase: phase, address: $0) } ?? Self.before(phase)
    case .lastRound(let phase, _):
      let last = try results.first?.get().abiInteger("latestRound") ?? 0
      place = last > 0 ? .rounds(RoundID(phase: phase, round: last)) : Self.before(phase)
    case .end: break
    }
    return []
  }

  private mutating func rounds(
    from id: RoundID, _ results: [ContractCall.Result]
  ) throws(VenueError) -> [AggregatorRound] {
    var found: [AggregatorRound] = []
    for (index, result) in results.enumerated() {
      guard let round = try Self.round(result) else { continue }
      guard round.id.phase == id.phase, round.id.round == id.round &- UInt64(index) else {
        throw .badValue(field: "roundId", value: round.id.description, reason: "another round was asked for")
      }
      guard round.updatedAt >= notBefore else {
        place = .end
        return found
      }
      found.append(round)
    }
    let passed = UInt64(min(batch, Int(clamping: id.round)))
    place =
      id.round > passed ? .rounds(RoundID(phase: id.phase, round: id.round - passed)) : Self.before(id.phase)
    return found
  }

  /// `nil` for a round that the contract does not have.
  private static func round(_ result: ContractCall.Result) throws(VenueError) -> AggregatorRound? {
    switch result {
    case .success(let bytes): return try AggregatorRound(result: bytes)
    case .failure(.refused(_, 3?, _)): return nil
    case .failure(let error): throw error
    }
  }

  private static func before(_ phase: UInt16) -> Place { phase > 1 ? .aggregator(phase: phase - 1) : .end }
}
