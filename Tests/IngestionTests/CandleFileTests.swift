import Ingestion
import Market
import TestSupport
import Testing

struct CandleFileTests {
  private static let header =
    "open_time_ms,open,high,low,close,volume,quote_volume,trades,taker_buy_base,taker_buy_quote\n"
  private static let first = "1700000040000,2,3,1,2,10,20,5,4,8\n"

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(arguments: [
    "candles.csv", "candles.csv.gz", "candles.csv.zst", "BTCUSDT-1m-2023-03-24.zip", "klines_microseconds.csv",
  ])
  func `every format gives the same candles`(name: String) throws {
    let reader = try CandleFileReader(path: Fixture.path(name))
    #expect(try reader.all() == Fixture.candles())
    #expect(reader.rowsRead == 86)
    #expect(reader.progress.bytesRead == reader.progress.bytesTotal)
  }

  @Test func `an empty field is not known and a zero is a zero`() throws {
    let candles = try read(Self.header + "1700000040000,2,3,1,2.50,0,,,,\n")
    #expect(
      candles == [
        Candle(
          openTime: Timestamp(milliseconds: 1_700_000_040_000), open: Decimal8("2")!, high: Decimal8("3")!,
          low: Decimal8("1")!, close: Decimal8("2.5")!, volume: .zero)
      ])
  }

  @Test func `line breaks may be those of DOS or missing at the end`() throws {
    let text = Self.header + Self.first
    let candles = try read(text)
    #expect(try read(text.replacing("\n", with: "\r\n")) == candles)
    #expect(try read(String(text.dropLast())) == candles)
    #expect(try read(text + "\n\n") == candles)
  }

  @Test func `prices with twenty digits and long zeros are exact`() throws {
    let text = "999999999999.99999999,999999999999.99999999,000.00000001,0.1000000000000"
    let candle = try read(Self.header + "1700000040000,\(text),,,,,\n")[0]
    #expect(candle.open.units == 99_999_999_999_999_999_999)
    #expect(candle.low.units == 1)
    #expect(candle.close.units == 10_000_000)
  }

  @Test(arguments: [
    ("1.6854500000000001", 168_545_000, true), ("0.017029990000000002", 1_702_999, true),
    ("0.29999999999", 30_000_000, true), ("0.000000005", 1, true),
    ("0.0000000049999999999999999999999999999", 0, true), ("12.12345678", 1_212_345_678, false),
  ])
  func `volumes added up in floating point are rounded and counted`(text: String, units: Int, isRounded: Bool) throws {
    let path = try folder.write(Self.header + "1700000040000,2,3,1,2,\(text),,,,\n", to: "candles.csv")
    let reader = try CandleFileReader(path: path)
    #expect(try reader.all().map(\.volume) == [Decimal8(units: Int128(units))])
    #expect(reader.rounded == (isRounded ? 1 : 0))
  }

  @Test(arguments: [
    ("1700000040000,2,3,1,2,10,20,5,4", "columns", "9"),
    ("1700000040000,2,3,1,2,1.123456789x,20,5,4,8", "volume", "1.123456789x"),
    ("1700000040000,2,3,1,2,.,20,5,4,8", "volume", "."),
    ("1700000040000,2,3,1,2,999999999999.999999999,20,5,4,8", "volume", "999999999999.999999999"),
    ("1700000040000,2,3,1,2,10,20,5,4,8,9", "columns", "11"),
    ("1700000040000", "columns", "1"),
    ("x,2,3,1,2,10,20,5,4,8", "open_time_ms", "x"),
    (",2,3,1,2,10,20,5,4,8", "open_time_ms", ""),
    ("99999999999999999999,2,3,1,2,10,20,5,4,8", "open_time_ms", "99999999999999999999"),
    ("1700000040000000,2,3,1,2,10,20,5,4,8", "open_time_ms", "1700000040000000"),
    ("-1700000040000,2,3,1,2,10,20,5,4,8", "open_time_ms", "-1700000040000"),
    ("1700000040001,2,3,1,2,10,20,5,4,8", "open_time", "2023-11-14T22:14:00.001Z"),
    ("1700000040000,,3,1,2,10,20,5,4,8", "open", ""),
    ("1700000040000,2,3,1,2x,10,20,5,4,8", "close", "2x"),
    ("1700000040000,2,3,1, 2,10,20,5,4,8", "close", " 2"),
    ("1700000040000,2,3,1,nan,10,20,5,4,8", "close", "nan"),
    ("1700000040000,2,3,1,inf,10,20,5,4,8", "close", "inf"),
    ("1700000040000,2,3,1,2e0,10,20,5,4,8", "close", "2e0"),
    ("1700000040000,2,3,1,1.123456789,10,20,5,4,8", "close", "1.123456789"),
    ("1700000040000,2,1000000000000,1,2,10,20,5,4,8", "high", "1000000000000"),
    ("1700000040000,2,3,0,2,10,20,5,4,8", "low", "0.00000000"),
    ("1700000040000,2,3,-1,2,10,20,5,4,8", "low", "-1.00000000"),
    ("1700000040000,2,1.5,1,2,10,20,5,4,8", "high", "1.50000000"),
    ("1700000040000,2,3,2.5,2,10,20,5,4,8", "low", "2.50000000"),
    ("1700000040000,2,3,1,2,-1,20,5,4,8", "volume", "-1.00000000"),
    ("1700000040000,2,3,1,2,10,20,-5,4,8", "trades", "-5"),
    ("1700000040000,2,3,1,2,10,20,5.5,4,8", "trades", "5.5"),
    ("1700000040000,2,3,1,2,10,20,5,11,8", "taker_buy_base", "11.00000000"),
    ("1700000040000,2,3,1,2,10,20,5,4,21", "taker_buy_quote", "21.00000000"),
    ("1700000040000,2,3,1,\u{1B}[2J,10,20,5,4,8", "close", "?[2J"),
  ])
  func `a bad row names file, line, field, value and rule`(line: String, field: String, value: String) throws {
    let path = try folder.write(Self.header + line + "\n", to: "candles.csv")
    let error = try #require(throws: ImportError.self) { try CandleFileReader(path: path).all() }
    let row = try #require(error.badRow)
    #expect(row.file == path)
    #expect(row.line == 2)
    #expect(row.field == field)
    #expect(row.value == value)
    #expect(!row.rule.isEmpty)
    #expect(error.exitCode == 3)
  }

  @Test func `rows out of order and repeated minutes are bad rows`() throws {
    let text = Self.header + Self.first + Self.first
    #expect(try badRow(text).rule == "each minute occurs once")
    #expect(try badRow(text).line == 3)
    let earlier = Self.first.replacing("1700000040000", with: "1699999980000")
    #expect(try badRow(Self.header + Self.first + earlier).rule == "open times rise from row to row")
  }

  @Test func `skipping leaves bad rows out, counts them and lists a hundred`() throws {
    let bad = (0..<150).map { "1700000\($0)\n" }.joined()
    let last = Self.first.replacing("1700000040000", with: "1700000100000")
    let path = try folder.write(Self.header + Self.first + bad + last, to: "skip.csv")
    let reader = try CandleFileReader(path: path, policy: .skip)
    #expect(try reader.all().count == 2)
    #expect(reader.rowsRead == 152)
    #expect(reader.skipped == 150)
    #expect(reader.badRows.count == 100)
    #expect(reader.badRows.map(\.line) == Array(3..<103))
  }

  @Test func `an empty file or one with only a header holds no candles`() throws {
    for text in ["", "\n", Self.header] {
      let path = try folder.write(text, to: "empty.csv")
      #expect(throws: ImportError.empty(file: path)) { try CandleFileReader(path: path).all() }
    }
  }

  @Test(arguments: ["time,open\n1,2\n", "hello\n", "1,2,3,4,5,6,7,8,9,10\n", "\u{FEFF}open_time_ms\n"])
  func `an unknown header is shown`(text: String) throws {
    let path = try folder.write(text, to: "other.csv")
    let error = try #require(throws: ImportError.self) { try CandleFileReader(path: path).all() }
    guard case .unknownHeader(path, let found) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(found.first == text.first || found.first == "?")
  }

  @Test func `a line without an end is refused before it fills the memory`() throws {
    let path = try folder.write(Self.header + String(repeating: "1", count: 300_000), to: "long.csv")
    #expect(throws: ImportError.lineTooLong(file: path, line: 2)) { try CandleFileReader(path: path).all() }
  }

  @Test func `klines that change their unit are refused even when skipping`() throws {
    let lines = try Fixture.lines("klines_microseconds.csv")
    let milliseconds = lines[2].split(separator: ",").map { String($0.count == 16 ? $0.dropLast(3) : $0) }
    let text = [lines[1], milliseconds.joined(separator: ",")].joined(separator: "\n")
    let path = try folder.write(text, to: "mixed.csv")
    #expect(throws: ImportError.mixedUnits(file: path, line: 2)) {
      try CandleFileReader(path: path, policy: .skip).all()
    }
  }

  @Test func `klines of another interval are bad rows`() throws {
    let line = "1700000100000,2,3,1,2,10,1700000399999,20,5,4,8,0\n"
    #expect(try badRow(line).field == "close_time")
  }

  @Test(arguments: ["candles.csv.gz", "candles.csv.zst", "BTCUSDT-1m-2023-03-24.zip"])
  func `a packed file cut anywhere is an error`(name: String) throws {
    let whole = try Fixture.bytes(name)
    for count in stride(from: 0, to: whole.count, by: 9) {
      let path = try folder.write(Array(whole.prefix(count)), to: "cut")
      #expect(throws: ImportError.self) { try CandleFileReader(path: path).all() }
    }
  }

  @Test(arguments: 0..<16)
  func `mutated text gives an error or candles that keep every rule`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let original = try Fixture.bytes(seed % 2 == 0 ? "candles.csv" : "klines_microseconds.csv")
    for policy in [BadRowPolicy.reject, .skip] {
      for _ in 0..<20 {
        var bytes = original
        for _ in 0..<Int.random(in: 1...6, using: &random) { mutate(&bytes, using: &random) }
        let path = try folder.write(bytes, to: "mutated")
        do {
          let candles = try CandleFileReader(path: path, policy: policy).all()
          #expect(candles.allSatisfy { $0.violation == nil })
          #expect(zip(candles, candles.dropFirst()).allSatisfy { $0.openTime < $1.openTime })
        } catch is ImportError {}
      }
    }
  }

  // MARK: Helpers

  private func read(_ text: String) throws -> [Candle] {
    try CandleFileReader(path: folder.write(text, to: "candles.csv")).all()
  }

  private func badRow(_ text: String) throws -> BadRow {
    try #require(try #require(throws: ImportError.self) { try read(text) }.badRow)
  }

  private func mutate(_ bytes: inout [UInt8], using random: inout SplitMix64) {
    let hostile = Array(",,.-\n\r0919eE\"\0\u{7F}".utf8)
    let place = Int.random(in: 0..<bytes.count, using: &random)
    let length = Int.random(in: 0...min(40, bytes.count - place), using: &random)
    switch Int.random(in: 0..<5, using: &random) {
    case 0: bytes[place] = hostile.randomElement(using: &random)!
    case 1: bytes.insert(hostile.randomElement(using: &random)!, at: place)
    case 2: bytes.removeSubrange(place..<place + length)
    case 3: bytes.insert(contentsOf: bytes[place..<place + length], at: place)
    default: bytes[place] = UInt8.random(in: 0...255, using: &random)
    }
  }
}
