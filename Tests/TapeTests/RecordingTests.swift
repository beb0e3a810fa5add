import Compression
import FoundationEssentials
import Market
import Tape
import TestSupport
import Testing

struct RecordingTests {
  private static let lines = """
    1723161253937085768 {"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255208}}
    1723161254036059768 {"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT"}}
    1723161254087891268 {"lastUpdateId": 50093239212, "bids": []}

    """

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func `a text is read, plain or packed`() throws {
    let plain = try folder.write(Self.lines, to: "a.txt")
    let gzip = folder.file("a.gz")
    let gzipWriter = GzipWriter(try OutputFile(path: gzip))
    try gzipWriter.write(Array(Self.lines.utf8)[...])
    try gzipWriter.finish()
    let zstd = folder.file("a.zst")
    let zstdWriter = ZstdWriter(try OutputFile(path: zstd))
    try zstdWriter.write(Array(Self.lines.utf8)[...])
    try zstdWriter.finish()
    for path in [plain, gzip, zstd] {
      let records = try RecordingReader(path, source: "binance/socket/1").all()
      #expect(
        records.map(\.arrivalNanoseconds) == [
          1_723_161_253_937_085_768, 1_723_161_254_036_059_768, 1_723_161_254_087_891_268,
        ])
      #expect(records.allSatisfy { $0.source == "binance/socket/1" && $0.kind == .text })
      #expect(String(decoding: records[2].payload, as: UTF8.self) == #"{"lastUpdateId": 50093239212, "bids": []}"#)
      #expect(try RecordingReader(path, from: 1_723_161_254_036_059_768).all().count == 2)
    }
    #expect(try RecordingReader(plain).all()[0].source == "recording/a.txt")
  }

  @Test(arguments: [
    ("open_time_ms,open,high,low,close\n", 1, "open_time_ms,open,high,low,close"),
    ("1723161253937 {}\n", 1, "1723161253937"),
    ("\n1723161253937085768 {}\n17231612539370857a8 {}\n", 3, "17231612539370857a8"),
    ("9923161253937085768 {}\n", 1, "9923161253937085768"),
    ("0000000000000000001 {}\n", 1, "0000000000000000001"),
    ("1723161253937085768\n", 1, "1723161253937085768"),
    ("1723161253937085768 \n", 1, "1723161253937085768 "),
  ])
  func `a line that is none says what stands where`(text: String, line: Int, value: String) throws {
    let path = try folder.write(text, to: "a.txt")
    let error = #expect(throws: TapeError.self) { try RecordingReader(path).all() }
    guard case .badLine(path, line, value, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `a text that was cut gives its whole lines and says so`() throws {
    let path = folder.file("a.zst")
    let writer = ZstdWriter(try OutputFile(path: path))
    try writer.write(Array(Self.lines.utf8)[...])
    try writer.flush()
    try writer.write(Array(Self.lines.prefix(40).utf8)[...])
    try writer.flush()
    let reader = try RecordingReader(path)
    #expect(try reader.all().count == 3)
    #expect(reader.cutTexts == [path])
  }

  @Test(arguments: Soak.seeds(5))
  func `a folder's recordings are merged by arrival`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var all: [Int64] = []
    for index in 0..<6 {
      let start = 1_700_000_000_000_000_000 + Int64.random(in: 0..<1000, using: &random)
      let times = (0..<50).map { _ in start + Int64.random(in: 0..<500, using: &random) }.sorted()
      all += times
      if index % 2 == 0 {
        _ = try folder.write(times.map { "\($0) {}\n" }.joined(), to: "\(index).txt")
      } else {
        let path = index == 1 ? folder.path : folder.file("\(index).tape")
        let writer = try TapeWriter(folder: path, .small())
        for time in times {
          writer.append(TapeRecord(arrivalNanoseconds: time, source: "s", kind: .text, payload: []))
        }
        writer.close()
      }
    }
    #expect(try RecordingReader(folder.path).all().map(\.arrivalNanoseconds) == all.sorted())
  }

  @Test func `one segment and a torn tape are read too`() throws {
    var made = RandomTape(seed: 1)
    let records = (0..<20).map { _ in made.record() }
    let writer = try TapeWriter(folder: folder.path, .small(segmentBytes: 1 << 16, blockBytes: 1 << 12))
    records.forEach { writer.append($0) }
    writer.flush()
    let path = try #require(segments(in: folder.path).first)
    #expect(try RecordingReader(path).all() == records)
    try put(bytes(of: path) + [1, 2, 3], at: path)
    let reader = try RecordingReader(folder.path)
    #expect(try reader.all() == records)
    #expect(reader.tears.map(\.bytes) == [3])
  }

  @Test func `a folder of nothing is an error`() throws {
    _ = try folder.write("not for replay", to: "notes.md")
    #expect(throws: TapeError.empty(folder: folder.path)) { try RecordingReader(folder.path) }
  }
}
