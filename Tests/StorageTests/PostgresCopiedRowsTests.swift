import Market
import TestSupport
import Testing

@testable import Storage

struct PostgresCopiedRowsTests {
  private static let records = (0..<3).map { (minute: Int64) -> CandleRecord in
    var candle = Candle(
      openTime: Timestamp(minute: 28_000_000 + minute), open: Decimal8("60123.45678901") ?? .zero,
      high: Decimal8("61000") ?? .zero, low: Decimal8("0.00000001") ?? .zero, close: .zero)
    candle.volume = minute == 0 ? nil : Decimal8(units: Int128(minute) * 12_345_678_901_234_567)
    candle.trades = minute == 1 ? nil : 7
    return CandleRecord(
      candle: candle, availableAt: candle.openTime.adding(minutes: 1), knownAt: .distantFuture, provenance: .archive,
      isAvailabilityAssumed: minute == 2)
  }

  /// What a server sends for them.
  private static var piece: [UInt8] {
    var buffer = PostgresBuffer()
    let header = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00] + [UInt8](repeating: 0, count: 8)
    header.withUnsafeBytes { buffer.put($0) }
    for (index, record) in records.enumerated() {
      buffer.put(Int16(PostgresCandleColumns.selectionNames.count))
      PostgresCandleColumns.put(record, revision: Int32(index), into: &buffer)
    }
    buffer.put(Int16(-1))
    return Array(buffer.bytes)
  }

  private static func read(_ piece: [UInt8]) throws -> [(CandleRecord, Int32)] {
    var found: [(CandleRecord, Int32)] = []
    var rows = PostgresCopiedRows(columns: PostgresCandleColumns.selectionNames, path: "here")
    try piece.withUnsafeBytes { bytes in
      try rows.read(bytes) { row throws(StoreError) in found.append(try PostgresCandleColumns.version(&row)) }
    }
    return found
  }

  @Test func `candles come back as they went, nulls too`() throws {
    let found = try Self.read(Self.piece)
    #expect(found.map(\.0) == Self.records)
    #expect(found.map(\.1) == [0, 1, 2])
  }

  @Test func `another number of columns is an error that names both`() {
    var rows = PostgresCopiedRows(columns: ["a", "b", "c"], path: "here")
    let error = #expect(throws: StoreError.self) {
      try Self.piece.withUnsafeBytes { bytes in try rows.read(bytes) { _ throws(StoreError) in } }
    }
    #expect(error?.description.contains("15 columns instead of 3") == true)
  }

  @Test(arguments: Soak.seeds(20)) func `damaged rows end in candles or in an error`(seed: UInt64) {
    var mutator = Mutator(seed: seed)
    for _ in 0..<200 { _ = try? Self.read(mutator.frame(of: [Self.piece])) }
  }
}
