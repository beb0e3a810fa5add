import FoundationEssentials
import Ingestion
import Market
import Storage
import TestSupport
import Testing

struct CandleImportTests {
  private let folder: TemporaryFolder
  private let store: DuckDBStore
  private let series = Series(.binance, .btcusdt)
  private let now = Timestamp("2025-01-01")!

  init() throws {
    folder = try TemporaryFolder()
    store = try DuckDBStore(path: folder.path + "/store.duckdb")
  }

  @Test func `the same candles from any file change nothing the second time`() throws {
    let first = try run(Fixture.path("candles.csv.zst"))
    #expect(first.counts == WriteCounts(new: 86))
    for name in ["candles.csv", "candles.csv.gz", "BTCUSDT-1m-2023-03-24.zip", "klines_microseconds.csv"] {
      let report = try run(Fixture.path(name))
      #expect(report.counts == WriteCounts(unchanged: 86))
      #expect(report.rowsRead == 86)
    }
    #expect(try store.candles(series).map(\.candle) == Fixture.candles())
    #expect(try store.gaps(series).absentMinutes == 80)
    #expect(try store.gaps(series).quietMinutes == 72)
  }

  @Test func `an archive's candles are available after a declared delay`() throws {
    var order = CandleImport(series: series, knownAt: now)
    order.availabilityDelayMicroseconds = 5_000_000
    _ = try order.run(Fixture.path("candles.csv"), into: store)
    for record in try store.candles(series) {
      #expect(record.availableAt == record.candle.closeTime.adding(microseconds: 5_000_000))
      #expect(record.isAvailabilityAssumed)
      #expect(record.knownAt == now)
      #expect(record.provenance == .archive)
    }
  }

  @Test func `one bad row keeps the whole file out, skipping only that row`() throws {
    var lines = try Fixture.lines("candles.csv")
    lines[40] = lines[40].replacing(",", with: ",-", maxReplacements: 1)
    let path = try folder.write(lines.joined(separator: "\n"), to: "bad.csv")
    let error = try #require(throws: ImportError.self) { try run(path) }
    #expect(error.badRow?.line == 41)
    #expect(try store.status().isEmpty)
    let report = try run(path, policy: .skip)
    #expect(report.counts == WriteCounts(new: 85))
    #expect(report.rowsRead == 86)
    #expect(report.skipped == 1)
    #expect(report.badRows.map(\.line) == [41])
  }

  @Test func `a file cut in the middle imports nothing`() throws {
    let bytes = try Fixture.bytes("candles.csv.zst")
    let path = try folder.write(Array(bytes.dropLast(20)), to: "cut.csv.zst")
    #expect(throws: ImportError.self) { try run(path) }
    #expect(try store.status().isEmpty)
  }

  @Test func `stopping from the progress leaves the store as it was`() throws {
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try CandleImport(series: series, knownAt: now).run(Fixture.path("candles.csv"), into: store) { progress in
        #expect(progress.rows == 86)
        #expect(progress.bytesTotal == 10649)
        throw Stop()
      }
    }
    #expect(try store.status().isEmpty)
  }

  @Test func `a differing checksum refuses the file`() throws {
    let name = "BTCUSDT-1m-2023-03-24.zip"
    let path = try folder.write(Fixture.bytes(name), to: name)
    let right = String(decoding: try Fixture.bytes(name + ".CHECKSUM"), as: UTF8.self)
    _ = try folder.write(right, to: name + ".CHECKSUM")
    #expect(try run(path).counts.new == 86)
    let wrong = String(repeating: "0", count: 64) + right.dropFirst(64)
    _ = try folder.write(wrong, to: name + ".CHECKSUM")
    let error = try #require(throws: ImportError.self) { try run(path) }
    #expect(
      error
        == .checksumDiffers(
          file: path, expected: String(repeating: "0", count: 64), found: String(right.prefix(64))))
    _ = try folder.write("no checksum", to: name + ".CHECKSUM")
    #expect(throws: ImportError.checksumUnreadable(file: path)) { try run(path) }
  }

  @Test(arguments: ["parquet", "csv"])
  func `what is exported can be imported and is the same`(ending: String) throws {
    _ = try run(Fixture.path("candles.csv"))
    let path = folder.path + "/out's." + ending
    #expect(try store.exportCandles(series, in: .all, asOf: .distantFuture, to: path) == 86)
    #expect(try run(path).counts == WriteCounts(unchanged: 86))
    let copy = try DuckDBStore(path: folder.path + "/copy.duckdb")
    _ = try CandleImport(series: series, knownAt: now).run(path, into: copy)
    #expect(try copy.candles(series).map(\.candle) == Fixture.candles())
    if ending == "csv" {
      #expect(try Array(Data(contentsOf: URL(fileURLWithPath: path))) == Fixture.bytes("candles.csv"))
    }
  }

  @Test func `a Parquet file that holds no candles is refused by name`() throws {
    let other = folder.path + "/other.parquet"
    let writer = try TableWriter(path: other, columns: ["a", "b"])
    try writer.append(now, [1, .nan].span)
    #expect(try writer.finish() == 1)
    let error = try #require(throws: ImportError.self) { try run(other) }
    #expect(error.exitCode == 3)
    #expect("\(error)".contains("no column open;"))
    let broken = try folder.write("PAR1 and nothing else", to: "broken.parquet")
    #expect(try #require(throws: ImportError.self) { try run(broken) }.exitCode == 3)
  }

  @Test func `bad rows of a Parquet file are named by row`() throws {
    let path = folder.path + "/doubles.parquet"
    let writer = try TableWriter(path: path, columns: ["open", "high", "low", "close", "volume"])
    try writer.append(now, [2, 3, 1, 2.5, .nan].span)
    try writer.append(now.adding(minutes: 1), [2, 1, 1, 1, 5].span)
    try writer.append(now.adding(minutes: 2), [2, 3, 1, .nan, 5].span)
    _ = try writer.finish()
    let report = try run(path, policy: .skip)
    #expect(report.counts.new == 1)
    #expect(report.badRows.map(\.line) == [2, 3])
    #expect(report.badRows.map(\.field) == ["high", "close"])
    #expect(try store.candles(series)[0].candle.close == Decimal8("2.5"))
    #expect(try store.candles(series)[0].candle.volume == nil)
  }

  private func run(_ path: String, policy: BadRowPolicy = .reject) throws -> ImportReport {
    try CandleImport(series: series, knownAt: now, policy: policy).run(path, into: store)
  }
}
