import Archive
import Cloud
import FoundationEssentials
import Ingestion
import Market
import Operations
import Storage
import Synchronization
import TestSupport
import Testing
import Transport
import Venues

@testable import candlecast

/// Each knob of AWS and of archives, changed in the configuration and seen in what is sent where.
struct CloudKnobTests {
  /// Answers everything with nothing, and keeps what was asked.
  private final class Witness: HTTPHandler {
    struct Request: Sendable {
      let target: String
      let authorization: String
      let body: String
    }

    private let kept = Mutex<[Request]>([])

    var requests: [Request] { kept.withLock(\.self) }

    func handle(_ request: ServerRequest, _ reply: ServerReply) {
      let seen = Request(
        target: request.target, authorization: request.header("authorization") ?? "",
        body: String(decoding: request.body, as: UTF8.self))
      kept.withLock { $0.append(seen) }
      reply.send(ServerResponse(body: Array("{}".utf8)))
    }
  }

  private struct Stage {
    let witness = Witness()
    let server: HTTPServer
    let desk: Desk
    let printed = Printed()

    init(_ knobs: [String: String] = [:]) throws {
      server = try HTTPServer(handler: witness)
      desk = try Desk(try Exchange.shared.get().knobs.merging(knobs) { $1 })
    }

    var url: String { "http://127.0.0.1:\(server.port)" }

    func context(_ knobs: [String: String] = [:]) throws -> CommandContext {
      let usual = try desk.context(["aws.endpoint_url": url].merging(knobs) { $1 })
      let printed = printed
      return CommandContext(
        configuration: usual.configuration, log: usual.log,
        output: Output(isJSON: false, isQuiet: true) { printed.add($0) }, installation: usual.installation,
        environment: ["AWS_SHARED_CREDENTIALS_FILE": desk.folder.file("credentials")])
    }

    func writeProfiles() throws {
      _ = try desk.folder.write(
        """
        [default]
        aws_access_key_id = FIRST
        aws_secret_access_key = secret
        [other]
        aws_access_key_id = SECOND
        aws_secret_access_key = secret
        """, to: "credentials")
    }
  }

  private final class Printed: Sendable {
    private let held = Mutex("")

    var text: String { held.withLock(\.self) }

    func add(_ text: String) { held.withLock { $0 += text } }
  }

  // MARK: Who asks whom

  @Test func `region, profile and address are those of the knobs`() async throws {
    let stage = try Stage()
    try stage.writeProfiles()
    for (knobs, credential) in [
      ([:], ("FIRST", "us-east-1")), (["aws.region": "eu-central-1"], ("FIRST", "eu-central-1")),
      (["aws.profile": "other"], ("SECOND", "us-east-1")),
    ] {
      let objects = try stage.context(knobs).objects(.s3(url: "s3://bucket/prefix"))
      // What comes back is no list.
      _ = try? await objects.list("")
      let request = try #require(stage.witness.requests.last)
      #expect(request.target.hasPrefix("/bucket"))
      #expect(request.authorization.contains("Credential=\(credential.0)/"), "\(request.authorization)")
      #expect(request.authorization.contains("/\(credential.1)/s3/"), "\(request.authorization)")
    }
    let before = stage.witness.requests.count
    let nobody = try stage.context(["aws.endpoint_url": "http://127.0.0.1:1", "aws.region": "eu-west-1"])
    #expect(try nobody.cloudAccess().endpoint(.s3).description == "http://127.0.0.1:1")
    #expect(stage.witness.requests.count == before)
    #expect(throws: CloudSettingsError.self) { try stage.context(["aws.profile": "third"]).cloudAccess() }
  }

  // MARK: Metrics

  /// Runs a feed that stores nothing.
  private static func watch(
    _ context: CommandContext, until isEnough: @Sendable (LiveStatus) async throws -> Bool
  ) async throws {
    _ = try await Watch.run(context, .init(channels: [.klines], stores: false), until: isEnough)
  }

  @Test func `CloudWatch is told of a feed by requests, in the namespace, so often`() async throws {
    let stage = try Stage(["aws.cloudwatch": "requests", "aws.cloudwatch_seconds": "0.1"])
    try stage.writeProfiles()
    let context = try stage.context(["aws.cloudwatch_namespace": "Mine"])
    try await Self.watch(context) { status in
      stage.witness.requests.count > 2 && status.reports.sent > 2
        && HealthPages(status: status).metrics.contains("candlecast_cloudwatch_reports_total{outcome=\"failed\"} 0")
    }
    let request = try #require(stage.witness.requests.last)
    #expect(request.authorization.contains("/monitoring/"))
    #expect(request.body.contains(#""Namespace":"Mine""#), "\(request.body)")
    for name in ["Connected", "Messages", "MissingMinutes", "Storing", "Memory"] {
      #expect(request.body.contains("\"\(name)\""), "\(request.body)")
    }
    #expect(request.body.contains("sim-binance:BTCUSDT"))
  }

  @Test(arguments: [["aws.cloudwatch_seconds": "0.1"], ["aws.cloudwatch": "requests"]])
  func `without the knob, or before the time is there, nothing is sent`(knobs: [String: String]) async throws {
    let stage = try Stage(knobs)
    try stage.writeProfiles()
    try await Self.watch(try stage.context()) { status in
      // A minute of the feed's clock is a second.
      status.current?.series.contains { $0.counts.live > 0 } == true
    }
    #expect(stage.witness.requests.isEmpty && stage.printed.text.isEmpty)
  }

  @Test func `an agent is told by lines`() async throws {
    let stage = try Stage(["aws.cloudwatch": "log", "aws.cloudwatch_seconds": "0.1"])
    try await Self.watch(try stage.context()) { $0.reports.sent > 1 }
    let lines = stage.printed.text.split(separator: "\n")
    #expect(lines.contains { $0.contains("_aws") && $0.contains("\"Candlecast\"") && $0.contains("\"Connected\"") })
    #expect(lines.allSatisfy { $0.hasPrefix("{") })
    #expect(stage.witness.requests.isEmpty)
  }

  @Test(arguments: [true, false]) func `a feed goes on when CloudWatch cannot be told`(isKnown: Bool) async throws {
    let stage = try Stage(["aws.cloudwatch": "requests", "aws.cloudwatch_seconds": "0.1"])
    // Nobody answers, or there is nobody to sign.
    if isKnown { try stage.writeProfiles() }
    let context = try stage.context(["aws.endpoint_url": "http://127.0.0.1:1"])
    try await Self.watch(context) { status in
      status.reports.failed > 0 && status.current?.series.contains { $0.counts.live > 0 } == true
    }
    let log = try FileManager.default.contentsOfDirectory(atPath: context.logFolder).map { name in
      String(decoding: FileManager.default.contents(atPath: "\(context.logFolder)/\(name)") ?? Data(), as: UTF8.self)
    }.joined()
    #expect(log.contains(isKnown ? "the feed goes on" : "no metrics are sent"), "\(log)")
  }

  // MARK: Archives

  @Test(arguments: ["deflate", "zstandard", "null"])
  func `an archive is at the address, packed as the codec says`(codec: String) async throws {
    let desk = try Desk()
    do {
      var candles: [Candle]? = RandomWalk()(seed: 1, count: 1500)
      let stamp = WriteStamp(knownAt: Timestamp("2025-01-01")!, provenance: .archive, availability: .onArrival)
      _ = try DuckDBStore(path: desk.storePath).write(to: Series("sim-binance:BTCUSDT")!, stamp: stamp) {
        defer { candles = nil }
        return candles
      }
    }
    let place = desk.folder.file("kept-\(codec)")
    let outcome = try await desk.command("archive", knobs: ["archive.url": place, "archive.codec": codec])
    #expect(outcome.code == .done, "\(outcome.error)")
    let names = try FileManager.default.subpathsOfDirectory(atPath: place).filter { $0.hasSuffix(".avro") }
    #expect(!names.isEmpty)
    for name in names {
      let bytes = FileManager.default.contents(atPath: "\(place)/\(name)") ?? Data()
      let header = Array("avro.codec".utf8) + [UInt8(codec.utf8.count * 2)] + Array(codec.utf8)
      #expect([UInt8](bytes).firstRange(of: header) != nil, "\(name)")
    }
  }
}
