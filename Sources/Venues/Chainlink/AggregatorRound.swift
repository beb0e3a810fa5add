package import Market

/// Identifies an answer of a feed's proxy: the phase counts the aggregators behind it, the round their answers.
package struct RoundID: Hashable, Comparable, Sendable {
  package var phase: UInt16
  package var round: UInt64

  package init(phase: UInt16, round: UInt64) { (self.phase, self.round) = (phase, round) }

  init?(word: some RandomAccessCollection<UInt8>) {
    guard let value = ABIWord.wide(word), let phase = UInt16(exactly: value >> 64) else { return nil }
    self.init(phase: phase, round: UInt64(truncatingIfNeeded: value))
  }

  /// The 80-bit number that contracts use.
  package var number: UInt128 { UInt128(phase) << 64 | UInt128(round) }

  package static func < (a: RoundID, b: RoundID) -> Bool { a.number < b.number }
}

extension RoundID: CustomStringConvertible {
  package var description: String { String(number) }
}

/// One answer of an aggregator contract, in the feed's own decimals.
package struct AggregatorRound: Hashable, Sendable {
  package var id: RoundID
  /// The price times ten to the feed's decimals.
  package var answer: Int128
  package var startedAt: Timestamp
  package var updatedAt: Timestamp

  package init(id: RoundID, answer: Int128, startedAt: Timestamp, updatedAt: Timestamp) {
    (self.id, self.answer, self.startedAt, self.updatedAt) = (id, answer, startedAt, updatedAt)
  }

  /// Reads the five words that `latestRoundData` and `getRoundData` return; the fifth means nothing any more.
  ///
  /// `nil` for a round that does not exist, as newer aggregators say it: all zeros.
  package init?(result bytes: [UInt8]) throws(VenueError) {
    guard bytes.count == 5 * ABIWord.size else {
      throw .malformed(offset: bytes.count, reason: "a round has \(5 * ABIWord.size) bytes")
    }
    func word(_ index: Int) -> ArraySlice<UInt8> { bytes[index * ABIWord.size..<(index + 1) * ABIWord.size] }
    guard let id = RoundID(word: word(0)) else {
      throw .badValue(field: "roundId", value: "word 0", reason: "more than 80 bits")
    }
    guard let answer = ABIWord.signed(word(1)) else {
      throw .badValue(field: "answer", value: "word 1", reason: "more than 128 bits")
    }
    if answer == 0, word(3).allSatisfy({ $0 == 0 }) { return nil }
    guard answer > 0 else { throw .badValue(field: "answer", value: String(answer), reason: "not above zero") }
    self.init(
      id: id, answer: answer, startedAt: try Self.time(word(2), "startedAt"),
      updatedAt: try Self.time(word(3), "updatedAt"))
  }

  /// What the contract returns for this round.
  package var result: [UInt8] {
    func seconds(_ time: Timestamp) -> [UInt8] { ABIWord.bytes(time.microseconds.flooredQuotient(1_000_000)) }
    return ABIWord.bytes(id.number) + ABIWord.bytes(answer) + seconds(startedAt) + seconds(updatedAt)
      + ABIWord.bytes(id.number)
  }

  private static func time(_ word: ArraySlice<UInt8>, _ field: String) throws(VenueError) -> Timestamp {
    guard let value = ABIWord.unsigned(word), let seconds = Int64(exactly: value),
      let time = Timestamp(plausible: seconds, unitsPerSecond: 1)
    else { throw .badValue(field: field, value: "its word", reason: "not a time between 2000 and 2100 in seconds") }
    return time
  }
}
