internal import Crypto
package import Market

/// What a stream's report says: the blob inside the signed report, schema 2 or 3.
package struct StreamReport: Hashable, Sendable {
  package var feedID: FeedID
  /// The earliest time that the report is good for.
  package var validFrom: Timestamp
  package var observed: Timestamp
  /// Price of a verification on a chain, in 10⁻¹⁸ of the chain's coin.
  package var nativeFee: UInt128
  /// In 10⁻¹⁸ LINK.
  package var linkFee: UInt128
  package var expires: Timestamp
  package var price: OraclePrice
  /// Only in schema 3.
  package var spread: Spread?

  package struct Spread: Hashable, Sendable {
    package var bid: OraclePrice
    package var ask: OraclePrice

    package init(bid: OraclePrice, ask: OraclePrice) { (self.bid, self.ask) = (bid, ask) }
  }

  package init(
    feedID: FeedID, validFrom: Timestamp, observed: Timestamp, nativeFee: UInt128 = 0, linkFee: UInt128 = 0,
    expires: Timestamp, price: OraclePrice, spread: Spread? = nil
  ) {
    (self.feedID, self.validFrom, self.observed, self.expires) = (feedID, validFrom, observed, expires)
    (self.nativeFee, self.linkFee, self.price, self.spread) = (nativeFee, linkFee, price, spread)
  }

  /// Reads a report blob.
  package init(blob: [UInt8]) throws(VenueError) {
    guard let feedID = FeedID(blob.prefix(ABIWord.size)) else {
      throw .malformed(offset: blob.count, reason: "a report blob ends within its feed id")
    }
    let words: Int
    switch feedID.schemaVersion {
    case 2: words = 7
    case 3: words = 9
    case let version: throw .unknown(kind: "report schema \(version)")
    }
    guard blob.count == words * ABIWord.size else {
      throw .malformed(offset: blob.count, reason: "a report of this schema has \(words * ABIWord.size) bytes")
    }
    let reader = BlobReader(blob: blob)
    self.init(
      feedID: feedID, validFrom: try reader.time(1, "validFromTimestamp"),
      observed: try reader.time(2, "observationsTimestamp"), nativeFee: try reader.fee(3, "nativeFee"),
      linkFee: try reader.fee(4, "linkFee"), expires: try reader.time(5, "expiresAt"),
      price: try reader.price(6, "price"))
    if words == 9 { spread = Spread(bid: try reader.price(7, "bid"), ask: try reader.price(8, "ask")) }
  }

  /// The blob that reads as this report. Times are cut to seconds.
  package var blob: [UInt8] {
    func seconds(_ time: Timestamp) -> [UInt8] { ABIWord.bytes(time.microseconds.flooredQuotient(1_000_000)) }
    var blob = feedID.bytes + seconds(validFrom) + seconds(observed) + ABIWord.bytes(nativeFee)
    blob += ABIWord.bytes(linkFee) + seconds(expires) + ABIWord.bytes(price.units)
    if let spread { blob += ABIWord.bytes(spread.bid.units) + ABIWord.bytes(spread.ask.units) }
    return blob
  }
}

private struct BlobReader {
  let blob: [UInt8]

  private func word(_ index: Int) -> ArraySlice<UInt8> {
    blob[index * ABIWord.size..<(index + 1) * ABIWord.size]
  }

  func time(_ index: Int, _ field: String) throws(VenueError) -> Timestamp {
    guard let seconds = ABIWord.unsigned(word(index)), seconds <= UInt32.max,
      let time = Timestamp(plausible: Int64(seconds), unitsPerSecond: 1)
    else { throw bad(index, field, "not a time between 2000 and 2100 in seconds") }
    return time
  }

  func fee(_ index: Int, _ field: String) throws(VenueError) -> UInt128 {
    guard let fee = ABIWord.wide(word(index)) else { throw bad(index, field, "more than 128 bits") }
    return fee
  }

  func price(_ index: Int, _ field: String) throws(VenueError) -> OraclePrice {
    guard let units = ABIWord.signed(word(index)) else { throw bad(index, field, "more than 128 bits") }
    return OraclePrice(units: units)
  }

  private func bad(_ index: Int, _ field: String, _ reason: String) -> VenueError {
    .badValue(field: field, value: "0x" + word(index).hexadecimal, reason: reason)
  }
}
