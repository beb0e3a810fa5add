import Compression
import FoundationEssentials
import Ingestion
import Market
import TestSupport
import Testing

struct ArchiveTests {
  private func date(_ year: Int, _ month: Int, _ day: Int) -> CivilDate {
    CivilDate(year: year, month: month, day: day)!
  }

  @Test func `paths are those of the archive`() {
    let month = ArchiveFile(.btcusdt, .klines(interval: "1m"), .month(date(2025, 1, 1)))
    #expect(month.path == "/data/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2025-01.zip")
    #expect(month.checksumPath == month.path + ".CHECKSUM")
    #expect(month.range == Timestamp("2025-01-01")!..<Timestamp("2025-02-01")!)
    let day = ArchiveFile(.btcusdt, .aggTrades, .day(date(2024, 2, 29)), branch: .usdFutures)
    #expect(day.path == "/data/futures/um/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-02-29.zip")
    #expect(day.range == Timestamp("2024-02-29")!..<Timestamp("2024-03-01")!)
    #expect(
      ArchiveFile(.btcusdt, .trades, .month(date(2023, 12, 1))).path
        == "/data/spot/monthly/trades/BTCUSDT/BTCUSDT-trades-2023-12.zip")
    #expect(ArchiveFile(.btcusdt, .klines(interval: "1M"), .month(date(2023, 12, 1))).name == "BTCUSDT-1mo-2023-12.zip")
  }

  @Test func `whole published months come as one file, the last two days not at all`() {
    let plan = ArchivePlan(
      Timestamp("2024-01-31T12:00")!..<Timestamp("2024-04-07T10:00")!, of: .btcusdt, .klines(interval: "1m"),
      now: Timestamp("2024-04-07T10:00")!)
    #expect(
      plan.files.map(\.name) == [
        "BTCUSDT-1m-2024-01-31.zip", "BTCUSDT-1m-2024-02.zip", "BTCUSDT-1m-2024-03.zip", "BTCUSDT-1m-2024-04-01.zip",
        "BTCUSDT-1m-2024-04-02.zip", "BTCUSDT-1m-2024-04-03.zip", "BTCUSDT-1m-2024-04-04.zip",
        "BTCUSDT-1m-2024-04-05.zip",
      ])
    #expect(plan.rest == Timestamp("2024-04-06")!..<Timestamp("2024-04-07T10:00")!)
  }

  @Test func `a month is not published before its first Monday has passed`() {
    // 2024-04-01 was a Monday, 2024-07-01 too; 2024-09-02 was the first Monday of September.
    for (now, isMonthly) in [
      ("2024-04-01", false), ("2024-04-02", true), ("2024-09-02", false), ("2024-09-03", true),
    ] {
      let now = Timestamp(now)!
      let month = CivilDate(day: now.day - 3)
      let start = Timestamp(minute: (now.day - 3 - Int64(month.day) + 1) * 1440)
      let plan = ArchivePlan(start..<now, of: .btcusdt, .trades, now: now)
      #expect((plan.files.first?.name.count == "BTCUSDT-trades-2024-03.zip".count) == isMonthly, "\(now)")
    }
  }

  @Test(arguments: Soak.seeds(50))
  func `files and rest cover the range once, without holes`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let now = Timestamp(minute: Int64.random(in: 28_000_000...29_700_000, using: &random))
    let start = now.adding(minutes: -Int.random(in: 0...200_000, using: &random))
    let end = start.adding(minutes: Int.random(in: 0...250_000, using: &random))
    let plan = ArchivePlan(start..<end, of: .btcusdt, .klines(interval: "1m"), now: now)
    let parts = plan.files.map(\.range) + (plan.rest.map { [$0] } ?? [])
    for (part, next) in zip(parts, parts.dropFirst()) { #expect(part.upperBound == next.lowerBound) }
    #expect(parts.isEmpty == (start == end))
    if let first = parts.first, let last = parts.last {
      #expect(first.lowerBound <= start && last.upperBound >= end)
      #expect(first.lowerBound.day == start.day && first.upperBound > start && last.lowerBound < end)
    }
    for file in plan.files { #expect(file.range.upperBound.day <= now.day - 1) }
    if let rest = plan.rest { #expect(rest.upperBound == end) }
  }

  @Test func `a range that is older than the venue is not walked through day by day`() {
    let plan = ArchivePlan(
      .distantPast..<Timestamp("2017-07-02")!, of: .btcusdt, .trades, now: Timestamp("2025-01-01")!)
    #expect(plan.files.map(\.name) == ["BTCUSDT-trades-2017-07-01.zip"])
    #expect(plan.rest == nil)
  }

  @Test func `fetched bytes are checked against the published checksum`() throws {
    let zip = try Fixture.bytes("BTCUSDT-1m-2023-03-24.zip")
    let file = ArchiveFile(.btcusdt, .klines(interval: "1m"), .day(date(2023, 3, 24)))
    let checksum = try ArchiveChecksum(Fixture.bytes("BTCUSDT-1m-2023-03-24.zip.CHECKSUM"), of: file)
    try checksum.verify(zip, of: file)
    #expect(throws: ImportError.self) { try checksum.verify(zip + [0], of: file) }
    #expect(try CandleFileReader(zip, name: file.name).all() == Fixture.candles())
    #expect(throws: ImportError.unpacking(.tooLarge(path: file.name, limitBytes: 1000))) {
      try CandleFileReader(zip, name: file.name, limitBytes: 1000).all()
    }
  }

  @Test(arguments: [
    "", "404", "<html>Not Found</html>", "539a5b38f804f6419625668916d8d4b4b0055e53040b83e440a08dee49f4a2cb",
    "539a5b38f804f6419625668916d8d4b4b0055e53040b83e440a08dee49f4a2cb  BTCUSDT-1m-2023-03-25.zip",
    "x39a5b38f804f6419625668916d8d4b4b0055e53040b83e440a08dee49f4a2cb  BTCUSDT-1m-2023-03-24.zip",
  ])
  func `a checksum of another file or none is an error`(text: String) {
    let file = ArchiveFile(.btcusdt, .klines(interval: "1m"), .day(date(2023, 3, 24)))
    #expect(throws: ImportError.checksumUnreadable(file: file.name)) { try ArchiveChecksum(Array(text.utf8), of: file) }
  }
}
