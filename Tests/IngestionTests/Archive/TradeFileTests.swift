import Compression
import FoundationEssentials
import Ingestion
import Market
import Storage
import Tape
import TestSupport
import Testing

struct TradeFileTests {
  /// Three trades of 2024-08-08 as the stream sent them, with the file's column of quote quantities.
  private static let trades = """
    3735683259,61837.63000000,0.02000000,1236.75260000,1723161255342,True,True
    3735683260,61837.63000000,0.10000000,6183.76300000,1723161255342,True,True
    3735683262,61837.64000000,0.00080000,49.47011200,1723161255999,False,True

    """
  private static let aggregated = """
    26129,0.01633102,4.70443515,27781,27783,1498793709153,True,True
    26130,0.01633103,1,27784,27784,1498793709200,false,true

    """

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func `trades are read`() throws {
    let reader = try TradeFileReader(path: folder.write(Self.trades, to: "a.csv"))
    let rows = try all(reader)
    #expect(
      rows[0].trade
        == Trade(
          id: 3_735_683_259, time: Timestamp(milliseconds: 1_723_161_255_342), price: Decimal8("61837.63")!,
          quantity: Decimal8("0.02")!, isTakerBuyer: false))
    #expect(rows.map(\.trade.isTakerBuyer) == [false, false, true])
    #expect(rows.allSatisfy { $0.firstId == $0.trade.id && $0.lastId == $0.trade.id && $0.isBestMatch == true })
    #expect(reader.rowsRead == 3 && reader.missingIds == 1)
    #expect(reader.progress.bytesRead == reader.progress.bytesTotal)
  }

  @Test func `aggregated trades are read`() throws {
    let rows = try all(TradeFileReader(Array(Self.aggregated.utf8), name: "answer"))
    #expect(
      rows[0].trade
        == Trade(
          id: 26129, time: Timestamp(milliseconds: 1_498_793_709_153), price: Decimal8("0.01633102")!,
          quantity: Decimal8("4.70443515")!, isTakerBuyer: false, count: 3))
    #expect(rows[1].trade.count == 1 && rows[1].trade.isTakerBuyer)
    #expect(rows[0].firstId == 27781 && rows[0].lastId == 27783)
  }

  @Test(arguments: [
    ("id,price,qty,quote_qty,time,is_buyer_maker\n", "1,2,3,6,1735689600000,true\n", 1),
    (
      "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n",
      "1,2,3,4,6,1735689600000,true\n", 3
    ),
    ("", "1,2,3,4,6,1735689600000,true\n", 3),
    ("", "1,2,3,6,1735689600000,true\n", 1),
    ("", "1,2,3,4,6,1735689600000000,True,True\n", 3),
  ])
  func `headers, missing last columns and microseconds are known`(header: String, line: String, count: Int64) throws {
    for end in ["\n", "\r\n", ""] {
      let text = (header + line).replacing("\n", with: end.isEmpty ? "\n" : end)
      let rows = try all(TradeFileReader(Array((end.isEmpty ? String(text.dropLast()) : text).utf8), name: "answer"))
      #expect(rows.map(\.trade.time) == [Timestamp("2025-01-01")!])
      #expect(rows[0].trade.count == count)
    }
  }

  @Test func `every packing gives the same trades`() throws {
    let expected = try all(TradeFileReader(Array(Self.trades.utf8), name: "plain"))
    let (gzip, zstd, zip) = (OutputBytes(), OutputBytes(), OutputBytes())
    let gzipWriter = GzipWriter(gzip)
    try gzipWriter.write(Array(Self.trades.utf8)[...])
    try gzipWriter.finish()
    let zstdWriter = ZstdWriter(zstd)
    try zstdWriter.write(Array(Self.trades.utf8)[...])
    try zstdWriter.finish()
    let zipWriter = ZipWriter(zip)
    try zipWriter.add("BTCUSDT-trades-2024-08-08.csv", Array(Self.trades.utf8))
    try zipWriter.finish()
    for sink in [gzip, zstd, zip] {
      #expect(try all(TradeFileReader(sink.bytes, name: "packed")) == expected)
      #expect(try all(TradeFileReader(path: folder.write(sink.bytes, to: "packed"))) == expected)
    }
    #expect(throws: ImportError.unpacking(.tooLarge(path: "packed", limitBytes: 100))) {
      try all(TradeFileReader(zip.bytes, name: "packed", limitBytes: 100))
    }
  }

  @Test(arguments: [
    ("1,2,3,6,1735689600000,true,true\n1,2,3,6,1735689600000,true,true\n", 2, "id", "1"),
    ("2,2,3,6,1735689600000,true,true\n1,2,3,6,1735689600000,true,true\n", 2, "id", "1"),
    ("1,0,3,6,1735689600000,true,true\n", 1, "price", "0"),
    ("1,2,0.0,6,1735689600000,true,true\n", 1, "quantity", "0.0"),
    ("1,-2,3,6,1735689600000,true,true\n", 1, "price", "-2"),
    ("1,2,3,,1735689600000,true,true\n", 1, "quote_quantity", ""),
    ("1,2,3,6,17356896000000000,true,true\n", 1, "time", "17356896000000000"),
    ("1,2,3,6,1735689600000,true,yes\n", 1, "is_best_match", "yes"),
    ("1,2,3,6,1735689600000,true,true\n2,2,3,6,1735689600000,true\n", 2, "columns", "6"),
    ("1,2,3,6,1735689600000,true,true\n2,2,3,6,1735689600000,true,true,\n", 2, "columns", "8"),
    ("1,2,3,9,8,1735689600000,true,true\n", 1, "last_id", "8"),
    ("1,2,3,-1,-1,1735689600000,true,true\n", 1, "first_id", "-1"),
  ])
  func `a bad row is named, or left out if asked`(text: String, line: Int, field: String, value: String) throws {
    let bytes = Array(text.utf8)
    let error = try #require(throws: ImportError.self) { try all(TradeFileReader(bytes, name: "answer")) }
    #expect(error.badRow?.line == line && error.badRow?.field == field && error.badRow?.value == value)
    let reader = try TradeFileReader(bytes, name: "answer", policy: .skip)
    #expect(try all(reader).count == line - 1)
    #expect(reader.skipped == 1 && reader.rowsRead == line && reader.badRows == [error.badRow])
  }

  @Test func `mixed units and other files are refused`() throws {
    let mixed = "1,2,3,6,1735689600000,true,true\n2,2,3,6,1735689600000000,true,true\n"
    #expect(throws: ImportError.mixedUnits(file: "answer", line: 2)) {
      try all(TradeFileReader(Array(mixed.utf8), name: "answer"))
    }
    #expect(throws: ImportError.noTrades(file: "answer")) { try all(TradeFileReader([], name: "answer")) }
    for text in [
      "open_time,open,high,low,close\n", "1735689600000,1,1,1,1,1,1735689659999,1,1,1,1,0\n", "{}\n", "true\n",
    ] {
      let found = String(text.dropLast())
      #expect(throws: ImportError.unknownTrades(file: "answer", found: found)) {
        try all(TradeFileReader(Array(text.utf8), name: "answer"))
      }
    }
  }

  @Test(arguments: Soak.seeds(20))
  func `no text makes a reader fail otherwise than with an error`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for _ in 0..<200 {
      var bytes = Array((Bool.random(using: &random) ? Self.trades : Self.aggregated).utf8)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let index = bytes.indices.randomElement(using: &random)!
        if Bool.random(using: &random) {
          bytes[index] = UInt8.random(in: 0...255, using: &random)
        } else {
          bytes.remove(at: index)
        }
      }
      do { #expect(try all(TradeFileReader(bytes, name: "answer", policy: .skip)).count <= 4) } catch is ImportError {}
    }
  }

  // MARK: Import

  @Test func `an import makes the frames that the stream would have sent`() throws {
    let series = Series(.binance, .btcusdt)
    let path = try folder.write(Self.trades, to: "BTCUSDT-trades-2024-08-08.csv")
    let report = try TradeImport(series: series).run(path, into: folder.file("tapes"))
    #expect(report.rowsRead == 3 && report.missingIds == 1 && !report.isUnchanged)
    let records = try records(in: report.tape)
    #expect(records.map(\.source) == Array(repeating: "binance/archive/BTCUSDT-trades-2024-08-08", count: 3))
    #expect(records.map(\.arrivalNanoseconds)[0] == 1_723_161_255_442_000_000)
    #expect(
      String(decoding: records[0].payload, as: UTF8.self)
        == #"{"e":"trade","E":1723161255342,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}"#
    )
    let other = try folder.write(Self.aggregated, to: "x.csv")
    let aggregated = try TradeImport(series: series, delayMicroseconds: 0).run(other, into: folder.file("tapes"))
    #expect(
      try String(decoding: self.records(in: aggregated.tape)[0].payload, as: UTF8.self)
        == #"{"e":"aggTrade","E":1498793709153,"s":"BTCUSDT","a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27783,"T":1498793709153,"m":true,"M":true}"#
    )
    #expect(try self.records(in: folder.file("tapes")).count == 5)
  }

  @Test func `the same file again changes nothing, a file published anew makes another tape`() throws {
    let order = TradeImport(series: Series(.binance, .btcusdt))
    let path = try folder.write(Self.trades, to: "a.csv")
    let tapes = folder.file("tapes")
    let first = try order.run(path, into: tapes)
    let second = try order.run(path, into: tapes)
    #expect(second.isUnchanged && second.tape == first.tape && second.sha256 == first.sha256)
    _ = try folder.write(Self.trades + "3735683263,1,1,1,1723161255999,False,True\n", to: "a.csv")
    #expect(try order.run(path, into: tapes).tape != first.tape)
    #expect(try FileManager.default.contentsOfDirectory(atPath: tapes).count == 2)
  }

  @Test func `a bad row or a stop leaves no tape`() throws {
    struct Stop: Error {}
    let order = TradeImport(series: Series(.binance, .btcusdt))
    let tapes = folder.file("tapes")
    let bad = try folder.write(Self.trades + "x\n", to: "a.csv")
    #expect(throws: ImportError.self) { try order.run(bad, into: tapes) }
    let good = try folder.write(Self.trades, to: "b.csv")
    #expect(throws: Stop.self) { try order.run(good, into: tapes) { _ in throw Stop() } }
    #expect(try FileManager.default.contentsOfDirectory(atPath: tapes).isEmpty)
    _ = try folder.write(String(repeating: "0", count: 64) + "  b.csv\n", to: "b.csv.CHECKSUM")
    let error = try #require(throws: ImportError.self) { try order.run(good, into: tapes) }
    guard case .checksumDiffers = error else {
      Issue.record("\(error)")
      return
    }
  }

  // MARK: Helpers

  private func all(_ reader: TradeFileReader) throws -> [ArchiveTrade] {
    var rows: [ArchiveTrade] = []
    while let batch = try reader.next() { rows += batch }
    return rows
  }

  private func records(in path: String) throws -> [TapeRecord] {
    let reader = try RecordingReader(path)
    var records: [TapeRecord] = []
    while let record = try reader.next() { records.append(record) }
    return records
  }
}
