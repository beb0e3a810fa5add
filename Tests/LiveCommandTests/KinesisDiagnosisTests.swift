import Cloud
import Dispatch
import FoundationEssentials
import Operations
import TestSupport
import Testing
import Transport

@testable import candlecast

/// What `doctor` says where Kinesis stands between the roles.
struct KinesisDiagnosisTests {
  private static let keys = ["AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "hunter2"]

  private static func context(
    _ knobs: [String: String], _ environment: [String: String] = keys
  ) throws -> CommandContext {
    let usual = [
      "stream.kind": "kinesis", "roles": "ingest", "store": "postgres://nobody@127.0.0.1:1/d", "log.level": "error",
    ]
    var context = try Desk().context(usual.merging(knobs) { $1 })
    context.environment = environment
    return context
  }

  /// On a thread of its own, because a verb blocks the one it runs on.
  private func findings(_ context: CommandContext) async throws -> [Finding] {
    let found = await withCheckedContinuation { continuation in
      DispatchQueue(label: "doctor").async { continuation.resume(returning: Diagnosis.kinesis(context)) }
    }
    #expect(!found.contains { "\($0)".contains("hunter2") })
    return found
  }

  @Test(.timeLimit(.minutes(Soak.minutes(5)))) func `streams are named until they are there`() async throws {
    let name = "doctor-" + UUID().uuidString
    let moto = try await MotoServer.shared.value
    let context = try Self.context([
      "stream.name": name, "aws.endpoint_url": moto.url, "aws.region": "eu-central-1",
    ])
    let without = try await findings(context)
    #expect(without.map(\.state) == [.missing, .missing])
    for (finding, part) in zip(without, ["candles", "features"]) {
      #expect(finding.fact == "there is no stream \(name)-BTCUSDT-\(part) in eu-central-1")
      let command = "aws kinesis create-stream --stream-name \(name)-BTCUSDT-\(part) --shard-count 1"
      #expect(finding.remedy?.contains(command) == true && finding.remedy?.contains("eu-central-1") == true)
    }
    let kinesis = KinesisClient(try HTTPClient(), try context.cloudAccess(), .ofThisMachine)
    for part in ["candles", "features"] { try await kinesis.createStream("\(name)-BTCUSDT-\(part)", shards: 1) }
    // A stream may be in the making for a moment.
    while try await findings(context).contains(where: { $0.state == .warning }) {}
    let with = try await findings(context)
    #expect(with.map(\.state) == [.fine, .fine])
    #expect(with.first?.fact.contains("\(name)-BTCUSDT-candles in eu-central-1, 1 shard") == true, "\(with)")
  }

  @Test func `a region that is missing or none is told`() async throws {
    let missing = try await findings(Self.context([:]))
    #expect(missing.map(\.state) == [.missing])
    #expect(missing.first?.fact.contains("set AWS_REGION") == true)
    let wrong = try await findings(Self.context(["aws.region": "Frankfurt!"]))
    #expect(wrong.map(\.state) == [.missing])
    #expect(wrong.first?.fact.contains("such as eu-central-1") == true)
  }

  @Test func `credentials that are missing are told`() async throws {
    let found = try await findings(Self.context(["aws.region": "eu-central-1"], [:]))
    #expect(found.map(\.state) == [.missing])
    #expect(found.first?.fact.contains("set AWS_ACCESS_KEY_ID") == true)
  }

  @Test(arguments: [
    ("UnrecognizedClientException", "check AWS_ACCESS_KEY_ID"), ("AccessDeniedException", "that permission"),
  ])
  func `a service that says no is asked once and says what to change`(code: String, remedy: String) async throws {
    let body = "{\"__type\":\"\(code)\",\"message\":\"no\"}"
    let answer = "HTTP/1.1 400 Bad Request\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
    let server = ScriptedServer { _ in Array(answer.utf8) }
    let found = try await findings(Self.context(["aws.endpoint_url": "http://127.0.0.1:\(server.port)"]))
    #expect(found.map(\.state) == [.missing])
    #expect(found.first?.fact.contains(remedy) == true, "\(found)")
  }

  @Test func `a service that is not there is told with its address`() async throws {
    let found = try await findings(Self.context(["aws.endpoint_url": "http://127.0.0.1:1"]))
    #expect(found.map(\.state) == [.missing])
    #expect(found.first?.fact.contains("127.0.0.1:1") == true)
  }

  @Test func `a store that only one process has is told`() async throws {
    let knobs = ["aws.endpoint_url": "http://127.0.0.1:1", "store": "duckdb:x.duckdb"]
    let found = try await findings(Self.context(knobs))
    #expect(found.first?.state == .missing && found.first?.fact.contains("--store postgres://") == true)
  }

  @Test func `Redis is not asked where Kinesis stands between the roles`() async throws {
    #expect(Diagnosis.redis(try Self.context([:])).map(\.state) == [.fine])
    #expect(Diagnosis.kinesis(try Desk().context()).isEmpty)
  }
}

/// What `doctor` says of the port at which others reach the database.
struct OutsidePortTests {
  private func findings(_ knobs: [String: String]) throws -> [Finding] {
    Diagnosis.outside(try Desk().context(knobs))
  }

  @Test func `the port is in the address for the host, which has no password`() throws {
    let knobs = [
      "store": "postgres:", "database.host": "db", "database.name": "btc ml", "database.user": "mluser",
      "database.password": "hunter2",
    ]
    #expect(try findings(knobs).isEmpty)
    let found = try findings(knobs.merging(["database.external_port": "15432"]) { $1 })
    #expect(found.map(\.state) == [.fine])
    #expect(found.first?.fact == "from the host: psql postgres://mluser@localhost:15432/btc%20ml")
  }

  @Test func `a file has no port`() throws {
    let found = try findings(["database.external_port": "15432"])
    #expect(found.map(\.state) == [.warning] && found.first?.fact.contains("is a file") == true)
  }

  @Test func `the port counts as used`() throws {
    let configuration = try Desk().configuration(["database.external_port": "15432"])
    #expect(configuration.notices.isEmpty)
  }
}
