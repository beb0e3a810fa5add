import FoundationEssentials
import Market
import TestSupport
import Testing
import Transport

@testable import Cloud

@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct KinesisClientTests {
  // MARK: moto

  private static func stream(shards: Int) async throws -> (KinesisClient, String) {
    let moto = try await MotoServer.shared.value
    let client = KinesisClient(try HTTPClient(), try .testing(moto.url), Calm().surroundings)
    let stream = "s-" + UUID().uuidString
    try await client.createStream(stream, shards: shards)
    return (client, stream)
  }

  @Test func `records go in and come out in order, from any place`() async throws {
    let (client, stream) = try await Self.stream(shards: 1)
    #expect(
      try await client.summary(of: stream) == KinesisSummary(status: "ACTIVE", retentionHours: 24, openShards: 1))
    let shards = try await client.shards(of: stream)
    #expect(shards.count == 1 && shards[0].parents.isEmpty && !shards[0].isClosed)
    let entries = (0..<25).map { KinesisEntry(key: "BTCUSDT", data: [0, 255, UInt8($0)]) }
    let results = try await client.put(entries, into: stream)
    #expect(results.count == 25)
    guard case .done(shards[0].id, let tenth) = results[9] else {
      Issue.record("\(results[9])")
      return
    }
    var iterator = try await client.iterator(stream, shard: shards[0].id, from: .oldest)
    var read: [KinesisRecord] = []
    while read.count < 25 {
      let batch = try await client.records(iterator, limit: 10, of: stream, shard: shards[0].id)
      read += batch.records
      iterator = try #require(batch.next)
    }
    #expect(read.map(\.data) == entries.map(\.data) && read.allSatisfy { $0.key == "BTCUSDT" })
    #expect(read.allSatisfy { $0.arrived != nil })
    let late = try await client.iterator(stream, shard: shards[0].id, from: .after(tenth))
    #expect(try await client.records(late, of: stream, shard: shards[0].id).records.count == 15)
    let timed = try await client.iterator(
      stream, shard: shards[0].id, from: .at(Calm.now.adding(minutes: -60)))
    #expect(try await client.records(timed, of: stream, shard: shards[0].id).records.count == 25)
  }

  @Test func `a stream that is missing is named`() async throws {
    let (client, _) = try await Self.stream(shards: 1)
    for error in [
      await cloudError { try await client.summary(of: "nope") },
      await cloudError { try await client.put([KinesisEntry(key: "a", data: [1])], into: "nope") },
      await cloudError { try await client.shards(of: "nope") },
    ] {
      #expect(error == .noSuchStream("nope"))
    }
  }

  // MARK: Scripts

  private struct Stage {
    let script: Scripted
    let server: HTTPServer
    let calm = Calm()
    let client: KinesisClient

    init(_ answers: ServerResponse...) throws {
      script = Scripted(giving: answers)
      server = try HTTPServer(handler: script)
      client = KinesisClient(
        try HTTPClient(), try .testing("http://127.0.0.1:\(server.port)"), calm.surroundings,
        backoff: Backoff(attempts: 3))
    }
  }

  private static func sample(_ name: String) throws -> ServerResponse {
    ServerResponse(body: try Fixture.bytes("kinesis_\(name).json"))
  }

  @Test func `what became of each record is told in their order`() async throws {
    let stage = try Stage(Self.sample("put_records_partial"))
    let results = try await stage.client.put(
      (0..<3).map { KinesisEntry(key: "k\($0)", data: Array("{\"p\":\($0)}".utf8)) }, into: "ticks")
    let sequence = try #require(SequenceNumber("49543463076548007577105092703039560359975228518395012686"))
    #expect(results[0] == .done(shard: "shardId-000000000000", sequence: sequence))
    #expect(results.count == 3)
    guard case .failed("ProvisionedThroughputExceededException", _) = results[1],
      case .failed("InternalFailure", _) = results[2]
    else {
      Issue.record("\(results)")
      return
    }
    let seen = try #require(stage.script.seen.first)
    #expect(seen.headers["x-amz-target"] == "Kinesis_20131202.PutRecords")
    #expect(seen.headers["content-type"] == "application/x-amz-json-1.1")
    #expect(seen.json?["StreamName"]?.text == "ticks")
    #expect(seen.json?["Records"]?.elements?[1]["Data"]?.text == "eyJwIjoxfQ==")
    #expect(stage.script.seen.count == 1)
  }

  @Test func `the recorded request is made`() async throws {
    let stage = try Stage(Self.sample("put_records_ok"))
    _ = try await stage.client.put(
      [
        KinesisEntry(key: "BTCUSDT", data: Array("{\"p\":1}".utf8)),
        KinesisEntry(key: "ETHUSDT", data: Array("{\"p\":2}".utf8)),
      ], into: "ticks")
    #expect(stage.script.seen.first?.json == JSONTree(parsing: try Fixture.bytes("kinesis_put_records_request.json")))
  }

  @Test func `fewer results than records are no answer`() async throws {
    let stage = try Stage(Self.sample("put_records_ok"))
    let error = await cloudError { try await stage.client.put([KinesisEntry(key: "a", data: [1])], into: "ticks") }
    guard case .malformed(.kinesis, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `a list of shards goes on without the stream's name`() async throws {
    let page = ServerResponse.text(
      200, #"{"Shards":[{"ShardId":"a","SequenceNumberRange":{"StartingSequenceNumber":"1"}}],"NextToken":"t\n"}"#)
    let last = ServerResponse.text(
      200,
      #"{"Shards":[{"ShardId":"b","ParentShardId":"a","AdjacentParentShardId":"c","#
        + #""SequenceNumberRange":{"StartingSequenceNumber":"1","EndingSequenceNumber":"2"}}],"NextToken":null}"#)
    let stage = try Stage(page, last)
    let shards = try await stage.client.shards(of: "ticks")
    #expect(
      shards == [
        KinesisShard(id: "a", parents: [], isClosed: false),
        KinesisShard(id: "b", parents: ["a", "c"], isClosed: true),
      ])
    #expect(stage.script.seen.map(\.json) == [.object(["StreamName": "ticks"]), .object(["NextToken": "t\n"])])
    let sample = try Stage(Self.sample("list_shards"))
    #expect(try await sample.client.shards(of: "ticks").map(\.id) == ["shardId-000000000000", "shardId-000000000001"])
  }

  @Test func `reading is asked once, writing again`() async throws {
    let limit = ServerResponse.jsonError(
      400, "com.amazonaws.kinesis.v20131202#ProvisionedThroughputExceededException")
    let stage = try Stage(limit, Self.sample("get_records"))
    #expect(
      await cloudError { try await stage.client.records("i", of: "ticks", shard: "s") }
        == .throttled(.kinesis, resource: "stream ticks", attempts: 1))
    let batch = try await stage.client.records("i\n", of: "ticks", shard: "s")
    #expect(batch.records.map(\.data) == [Array("{\"p\":1}".utf8)])
    #expect(batch.next == "dGlja3M6c2hhcmRJZC0wMDAwMDAwMDAwMDE6Mw==\n")
    #expect(stage.script.seen.last?.json?["ShardIterator"]?.text == "i\n")
    let writing = try Stage(limit, .jsonError(500, "InternalFailure"), Self.sample("put_records_request"))
    _ = await cloudError { try await writing.client.put([KinesisEntry(key: "a", data: [])], into: "ticks") }
    #expect(writing.script.seen.count == 3 && writing.calm.pauses == [0.05, 0.1])
  }

  @Test func `an iterator that has expired, and the end of a shard, are told`() async throws {
    let stage = try Stage(
      .jsonError(400, "ExpiredIteratorException"), .text(200, #"{"Records":[],"MillisBehindLatest":0}"#),
      .text(200, #"{"Records":[],"NextShardIterator":null}"#))
    #expect(
      await cloudError { try await stage.client.records("i", of: "ticks", shard: "s7") }
        == .expiredIterator(shard: "s7"))
    for _ in 0..<2 {
      #expect(try await stage.client.records("i", of: "ticks", shard: "s7").next == nil)
    }
  }

  @Test func `refusals say what to do`() async throws {
    func error(_ answer: ServerResponse) async throws -> CloudError? {
      let stage = try Stage(answer)
      return await cloudError { try await stage.client.summary(of: "ticks") }
    }
    #expect(
      try await error(.jsonError(400, "AccessDeniedException"))
        == .accessDenied(
          .kinesis, action: "kinesis:DescribeStreamSummary", resource: "stream ticks", message: "words"))
    #expect(
      try await error(.jsonError(400, "UnrecognizedClientException"))
        == .badCredentials(.kinesis, code: "UnrecognizedClientException", message: "words"))
    guard case .clockSkew = try await error(.jsonError(403, "InvalidSignatureException", "Signature expired: x")) else {
      Issue.record("no skew")
      return
    }
    #expect(
      try await error(
        .text(400, #"{"Message":"words"}"#, [HTTPHeader("x-amzn-ErrorType", "ResourceNotFoundException:http://a")]))
        == .noSuchStream("ticks"))
    guard case .malformed = try await error(.text(200, "<html>")) else {
      Issue.record("taken")
      return
    }
  }

  @Test func `requests beyond the limits are not sent`() async throws {
    let stage = try Stage(.text(200, "{}"))
    let many = [KinesisEntry](repeating: KinesisEntry(key: "a", data: []), count: 501)
    let large = [KinesisEntry](repeating: KinesisEntry(key: "a", data: [UInt8](repeating: 0, count: 1 << 20)), count: 1)
    let odd = [KinesisEntry(key: String(repeating: "k", count: 257), data: [])]
    for entries in [many, large, odd, [KinesisEntry(key: "", data: [])]] {
      guard case .invalid = await cloudError({ try await stage.client.put(entries, into: "ticks") }) else {
        Issue.record("sent")
        return
      }
    }
    #expect(stage.script.seen.isEmpty)
  }

  @Test func `sequence numbers are compared as numbers of any length`() throws {
    let texts = ["0", "9", "10", "49543463076548007577105092703039560359975228518395012686"]
    let numbers = try texts.map { try #require(SequenceNumber($0)) }
    #expect(numbers == numbers.sorted())
    #expect(SequenceNumber("007") == SequenceNumber("7"))
    #expect(SequenceNumber("000")?.description == "0")
    for bad in ["", "-1", "1.0", "a", "+1", " 1", String(repeating: "1", count: 130)] {
      #expect(SequenceNumber(bad) == nil)
    }
  }

  @Test(arguments: Soak.seeds(100)) func `damaged answers are values or nothing`(seed: UInt64) throws {
    var mutator = Mutator(seed: seed)
    let corpus = try ["get_records", "list_shards", "put_records_partial", "put_records_ok"].map {
      try Fixture.bytes("kinesis_\($0).json")
    }
    for _ in 0..<40 {
      guard let tree = JSONTree(parsing: mutator.frame(of: corpus)) else { continue }
      if let batch = KinesisBatch(tree) {
        #expect(batch.records.allSatisfy { $0.sequence.description.utf8.count <= SequenceNumber.longest })
      }
      if let shards = KinesisShard.page(tree) { #expect(shards.allSatisfy { !$0.id.isEmpty }) }
      _ = KinesisPut.results(tree)
    }
  }
}
