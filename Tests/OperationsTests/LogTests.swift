import FoundationEssentials
import Market
import Operations
import Synchronization
import Testing

struct LogTests {
  private let noon = Timestamp("2024-03-31T12:00:00Z")!

  private func temporaryFolder() -> String {
    FileManager.default.temporaryDirectory.appending(path: "candlecast-log-\(UUID().uuidString)").path
  }

  private func lines(_ path: String) throws -> [Substring] {
    String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self).split(separator: "\n")
  }

  @Test func `a record is one JSON line with its facts in order`() {
    let record = LogRecord(
      time: noon, level: .info, category: "import", subcategory: "csv", symbol: .btcusdt, message: "read \"a\"",
      context: [JSONValue.Member("rows", 3), JSONValue.Member("password", Secret("hush"))], tookMilliseconds: 1.25)
    #expect(
      record.json.description
        == #"{"time":"2024-03-31T12:00:00Z","level":"info","category":"import","subcategory":"csv","symbol":"BTCUSDT","#
        + #""message":"read \"a\"","context":{"rows":3,"password":"\#(Secret.mask)"},"took_ms":1.25}"#)
    #expect(
      record.text
        == "2024-03-31T12:00:00Z info import/csv/BTCUSDT: read \"a\" (rows=3 password=\(Secret.mask) took=1.25ms)")
  }

  @Test func `writes a file a day and deletes its own old ones only`() throws {
    let folder = temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for name in ["candlecast-2024-02-29.jsonl", "candlecast-2024-03-01.jsonl", "inference.log", "candlecast-old.jsonl"]
    {
      try Data().write(to: URL(filePath: folder + "/" + name))
    }
    let clock = Mutex(noon)
    let log = Log(
      files: LogFiles(folder: folder, retentionDays: 30), fileLevel: .info, screenLevel: .error, screen: { _ in },
      clock: { clock.withLock { $0 } })
    log.write(.info, "a", "first")
    log.write(.debug, "a", "not kept")
    log.write(.error, "a", "second")
    clock.withLock { $0 = $0.adding(minutes: 24 * 60) }
    log.write(.info, "a", "tomorrow")
    #expect(try lines(folder + "/candlecast-2024-03-31.jsonl").count == 2)
    #expect(try lines(folder + "/candlecast-2024-04-01.jsonl").count == 1)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == [
        "candlecast-2024-03-31.jsonl", "candlecast-2024-04-01.jsonl", "candlecast-old.jsonl", "inference.log",
      ])
  }

  @Test func `the screen has its own level`() {
    let shown = Mutex<[String]>([])
    let log = Log(
      files: nil, fileLevel: .debug, screenLevel: .warning, screen: { text in shown.withLock { $0.append(text) } },
      clock: { Timestamp(milliseconds: 0) })
    log.write(.info, "a", "quiet")
    log.write(.warning, "a", "loud")
    #expect(shown.withLock { $0 } == ["1970-01-01T00:00:00Z warning a: loud"])
  }

  @Test func `a folder that cannot be made stops nothing`() {
    let log = Log(
      files: LogFiles(folder: "/dev/null/logs", retentionDays: 1), fileLevel: .debug, screenLevel: .error,
      screen: { _ in }, clock: { Timestamp(milliseconds: 0) })
    log.write(.info, "a", "lost")
  }

  @Test func `a secret shows itself to nobody`() {
    let secret = Secret("hush")
    var dumped = ""
    dump(secret, to: &dumped)
    #expect(!"\(secret) \(String(reflecting: secret)) \(dumped) \([secret])".contains("hush"))
    #expect(secret.reveal() == "hush")
  }
}
