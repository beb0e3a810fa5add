import Market
import Testing
import Venues

@Suite struct SeedRecordTests: BinanceSuite {
  private let symbols: [UInt32: Symbol] = [1: .btcusdt]
  private let time = Timestamp(microseconds: 1_767_225_600_123_456)

  /// Records that a C compiler laid out.
  private func records() throws -> [[UInt8]] {
    String(decoding: try BinanceSamples.bytes("seed_records.txt"), as: UTF8.self)
      .split(separator: "\n").map { BinanceSamples.unhex(String($0)) }
  }

  private func decode(_ kind: SeedRecord.Kind, _ bytes: [UInt8]) throws(VenueError) -> SeedRecord {
    try bytes.withUnsafeBufferPointer { buffer throws(VenueError) in try SeedRecord(kind, buffer, symbols: symbols) }
  }

  private var expected: [SeedRecord] {
    [
      .trade(
        .btcusdt,
        Trade(
          id: 5_551_234_567, time: time, price: dec("90123.45"), quantity: dec("0.0015"), isTakerBuyer: false)),
      .quote(
        .btcusdt,
        Quote(
          time: time, bidPrice: dec("90123.45"), bidQuantity: dec("3.5"), askPrice: dec("90123.46"),
          askQuantity: dec("0.00000001"))),
      .level(
        .btcusdt,
        BookUpdate(
          isSnapshot: false, firstId: 88003, lastId: 88007, time: time, bids: [], asks: [level("90124", "0")])),
    ]
  }

  @Test func `records are read and written as a C compiler lays them out`() throws {
    for ((kind, bytes), record) in zip(zip(SeedRecord.Kind.allCases, try records()), expected) {
      #expect(bytes.count == kind.length)
      #expect(try decode(kind, bytes) == record)
      #expect(record.bytes(symbols: symbols) == bytes)
    }
  }

  @Test func `other lengths and other symbols are refused`() throws {
    for (kind, bytes) in zip(SeedRecord.Kind.allCases, try records()) {
      #expect(throws: VenueError.self) { try decode(kind, bytes.dropLast()) }
      #expect(throws: VenueError.self) { try decode(kind, bytes + [0]) }
      var other = bytes
      other[kind == .trade ? 16 : 8] = 2
      #expect(throws: VenueError.badValue(field: "symbol_id", value: "2", reason: "stands for no symbol")) {
        try decode(kind, other)
      }
    }
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity, -1, 0, 1e12, 1e300, 1e-9, .leastNonzeroMagnitude])
  func `what is no price is refused`(price: Double) throws {
    var bytes = try records()[0]
    withUnsafeBytes(of: price.bitPattern.littleEndian) { bytes.replaceSubrange(24..<32, with: $0) }
    #expect(throws: VenueError.self) { try decode(.trade, bytes) }
  }

  @Test func `doubles become the nearest decimal of eight places`() throws {
    var bytes = try records()[0]
    for (value, text) in [(0.1 + 0.2, "0.3"), (1.0 / 3, "0.33333333"), (90123.450000001, "90123.45")] {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.replaceSubrange(24..<32, with: $0) }
      guard case .trade(_, let trade) = try decode(.trade, bytes) else { continue }
      #expect(trade.price == dec(text))
    }
  }
}
