import Archive
import Cloud
import Dispatch
import FoundationEssentials
import Market
import Models
import Operations
import Synchronization
import TestSupport
import Testing
import Transport

@testable import candlecast

/// `archive`, `import` of what it wrote, and models in a bucket, through the whole program.
@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct ArchiveVerbTests {
  private struct Desk {
    let folder: TemporaryFolder
    let client: S3Client
    let bucket: String
    let environment: [String: String]

    init() async throws {
      folder = try TemporaryFolder()
      let moto = try await MotoServer.shared.value
      environment = [
        "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_ENDPOINT_URL": moto.url,
        "HOME": folder.path, "CANDLECAST_LOG_DIRECTORY": folder.file("logs"),
      ]
      client = S3Client(try HTTPClient(), try CloudAccess(environment: environment), .ofThisMachine)
      bucket = "verbs-" + UUID().uuidString.lowercased()
      try await client.createBucket(bucket)
    }

    /// The program's results, if it ends as wanted.
    func run(_ words: [String], ending code: ExitCode = .done, says text: String = "") async throws -> String {
      let (output, error) = (Box(), Box())
      let program = Program(environment: environment, output: output.add, error: error.add)
      let ended = await ArchiveVerbTests.onThread { program.run(words) }
      #expect(ended == code, "\(words): \(error.text)")
      #expect((output.text + error.text).contains(text), "\(words): \(output.text)\(error.text)")
      return output.text
    }

    func store(_ name: String) -> [String] { ["--store", "duckdb:" + folder.file(name + ".duckdb")] }
  }

  private final class Box: Sendable {
    private let held = Mutex("")

    var text: String { held.withLock { $0 } }

    var add: @Sendable (String) -> Void { { text in self.held.withLock { $0 += text } } }
  }

  /// The program blocks its thread while it waits.
  private static func onThread<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      DispatchQueue(label: "program").async { continuation.resume(returning: work()) }
    }
  }

  private static let header =
    "open_time_ms,open,high,low,close,volume,quote_volume,trades,taker_buy_base,taker_buy_quote\n"

  private static func csv(_ candles: [Candle]) -> String {
    header
      + candles.map { candle in
        let amounts = [candle.volume, candle.quoteVolume].map { "\($0!)" }
        let takers = [candle.takerBuyBase, candle.takerBuyQuote].map { "\($0!)" }
        let prices = [candle.open, candle.high, candle.low, candle.close].map(\.description)
        return (["\(candle.openTime.milliseconds)"] + prices + amounts + ["\(candle.trades!)"] + takers)
          .joined(separator: ",")
      }.joined(separator: "\n") + "\n"
  }

  private static let candles = RandomWalk()(seed: 4, count: 3000)

  @Test func `what was archived is imported as it was, from a bucket and from a folder`() async throws {
    let desk = try await Desk()
    let csv = try desk.folder.write(Self.csv(Self.candles), to: "candles.csv")
    _ = try await desk.run(["import", csv] + desk.store("one"))
    for (name, url) in [("bucket", "s3://\(desk.bucket)/some/prefix"), ("folder", desk.folder.file("archive"))] {
      let archive = ["archive", "--to-url", url] + desk.store("one")
      _ = try await desk.run(archive, says: "3 days of candles to \(url): 3 written, 0 there already")
      _ = try await desk.run(archive, says: "0 written, 3 there already, 0 revised")
      let other = desk.store(name)
      _ = try await desk.run(["import", url] + other, says: "candles of 3 files: 3,000 rows read, 3,000 new")
      _ = try await desk.run(["import", url] + other, says: "0 new, 3,000 unchanged")
      let tables = [desk.folder.file("one.csv"), desk.folder.file(name + ".csv")]
      _ = try await desk.run(["export", "candles", "--out", tables[0]] + desk.store("one"))
      _ = try await desk.run(["export", "candles", "--out", tables[1]] + other)
      #expect(FileManager.default.contentsEqual(atPath: tables[0], andPath: tables[1]))
    }
    let single = desk.folder.file("archive/candles/symbol=BTCUSDT/date=2023-03-29/binance.r0.avro")
    _ = try await desk.run(["import", single] + desk.store("single"), says: "candles of 1 files")
  }

  @Test func `a damaged object is refused and the others are taken`() async throws {
    let desk = try await Desk()
    let csv = try desk.folder.write(Self.csv(Self.candles), to: "candles.csv")
    _ = try await desk.run(["import", csv] + desk.store("one"))
    let url = desk.folder.file("archive")
    _ = try await desk.run(["archive", "--to-url", url] + desk.store("one"))
    let path = url + "/candles/symbol=BTCUSDT/date=2023-03-29/binance.r0.avro"
    var bytes = [UInt8](try #require(FileManager.default.contents(atPath: path)))
    bytes[bytes.count - 40] ^= 4
    try Data(bytes).write(to: URL(filePath: path))
    _ = try await desk.run(
      ["import", url] + desk.store("two"), ending: .badData, says: "nothing is taken from it")
    _ = try await desk.run(["status"] + desk.store("two"), says: "binance:BTCUSDT")
  }

  @Test func `mistakes are said with what to do`() async throws {
    let desk = try await Desk()
    let csv = try desk.folder.write(Self.csv(Self.candles), to: "candles.csv")
    _ = try await desk.run(["import", csv] + desk.store("one"))
    let archive = ["archive"] + desk.store("one")
    _ = try await desk.run(archive, ending: .wrongUsage, says: "--to-url")
    _ = try await desk.run(
      archive + ["--to-url", "s3://no-such-bucket-here"], ending: .unreachable, says: "no bucket no-such-bucket-here")
    _ = try await desk.run(
      archive + ["--to-url", "x", "--from", "2023-03-29T12:00Z"], ending: .wrongUsage, says: "whole days")
    _ = try await desk.run(
      archive + ["--to-url", "x", "--to", "2190-01-01"], ending: .wrongUsage, says: "days that are over")
    _ = try await desk.run(
      ["import", "s3://\(desk.bucket)/nothing"] + desk.store("two"), ending: .unreachable, says: "holds no .avro files")
  }

  // MARK: Models

  /// A models folder with one version, copied into the bucket.
  private func upload(_ desk: Desk) async throws -> String {
    let models = desk.folder.file("models")
    let registry = Registry(path: models)
    try FileManager.default.createDirectory(atPath: models, withIntermediateDirectories: true)
    let version = try MadeVersion().write(to: models + "/staged")
    try registry.register(staged: version.path, at: MadeVersion().trainedUntil, who: "test", why: "made")
    for name in try FileManager.default.subpathsOfDirectory(atPath: models) {
      var isFolder: Bool { (try? FileManager.default.contentsOfDirectory(atPath: "\(models)/\(name)")) != nil }
      guard !isFolder, let data = FileManager.default.contents(atPath: "\(models)/\(name)") else { continue }
      _ = try await desk.client.put([UInt8](data), to: try S3Location(bucket: desk.bucket, key: "models/\(name)"))
    }
    return "s3://\(desk.bucket)/models"
  }

  @Test func `models in a bucket are read, fetched once, and not changed`() async throws {
    let desk = try await Desk()
    let url = try await upload(desk)
    let name = "made-direction-15m"
    #expect(try await desk.run(["models", "list", "--models", url]).contains(name))
    let shown = try await desk.run(["models", "show", name, "--models", url])
    #expect(shown == (try await desk.run(["models", "show", name, "--models", desk.folder.file("models")])))
    for change in [["promote", name, "--force"], ["rollback"], ["archive", name]] {
      _ = try await desk.run(["models"] + change + ["--models", url], ending: .wrongUsage, says: "only read")
    }
    // What is held is not fetched again.
    try await desk.client.delete(
      try S3Location(bucket: desk.bucket, key: "models/active/\(name)/\(VersionDirectory.File.treesA)"))
    #expect(try await desk.run(["models", "show", name, "--models", url]) == shown)
  }

  @Test func `a changed file of a version in a bucket is refused`() async throws {
    let desk = try await Desk()
    let url = try await upload(desk)
    _ = try await desk.client.put(
      [1, 2, 3], to: try S3Location(bucket: desk.bucket, key: "models/active/made-direction-15m/card.json"))
    _ = try await desk.run(["models", "list", "--models", url], ending: .badData, says: "SHA256SUMS says")
    _ = try await desk.run(
      ["models", "list", "--models", "s3://\(desk.bucket)/none"], ending: .unreachable, says: "holds no models")
  }
}
