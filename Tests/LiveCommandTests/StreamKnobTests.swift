import Cloud
import FoundationEssentials
import Market
import Operations
import Redis
import Storage
import Streams
import Synchronization
import TestSupport
import Testing
import Transport

@testable import candlecast

/// Each knob of what carries events between roles, changed in the configuration and seen in who is told what.
struct StreamKnobTests {
  private static func desk(_ server: RedisServer, _ knobs: [String: String] = [:]) throws -> Desk {
    try Desk(["redis.host": "127.0.0.1", "redis.port": "\(server.port)"].merging(knobs) { $1 })
  }

  private static let record = {
    let candle = RandomWalk()(seed: 1, count: 1)[0]
    let time = candle.closeTime
    let stored = CandleRecord(
      candle: candle, availableAt: time, knownAt: time, provenance: .live, isAvailabilityAssumed: false)
    let made = StreamEvent.candle(
      CandleEvent(series: Series(.binance, .btcusdt), record: stored, ingestTime: time, source: "stream")
    ).record
    return StreamRecord(id: made.id, key: "BTCUSDT", body: made.body)
  }()

  /// Sends one record from `ingest` to `features`.
  private static func publish(_ context: CommandContext) async throws {
    let stream = try RoleStreams(context: context).stream(RoleStreams.candles)
    try await StreamWork().run([stream]) {
      try await stream.publish([record])
      try await stream.flush()
    }
  }

  /// What a stream says of a server that it tries in vain; an error that ends it counts too.
  private static func trouble(_ context: CommandContext) async throws -> String {
    let stream = try RoleStreams(context: context).stream(RoleStreams.candles)
    let work = StreamWork()
    let running = Task { await work.run(stream) }
    defer { running.cancel() }
    // Who has nothing to send may not ask.
    try await stream.publish([record])
    while true {
      if let failure = work.failure { return failure.description }
      if let trouble = stream.statistics.lastTrouble { return trouble.description }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// Plays a role until something holds.
  private static func play(
    _ role: Role, _ context: CommandContext, until isEnough: () throws -> Bool
  ) async throws {
    let isOver = Atomic(false)
    var options = LiveSession.Options()
    options.isStopRequested = { isOver.value }
    let running = Task { [options] in
      defer { isOver.set() }
      return try await RoleSession(context, [role]).run(options)
    }
    while !isOver.value, try !isEnough() { try await Task.sleep(for: .milliseconds(10)) }
    #expect(!isOver.value, "the role has ended by itself")
    isOver.set()
    _ = try await running.value
  }

  private final class Atomic: Sendable {
    private let held: Mutex<Bool>

    init(_ value: Bool) { held = Mutex(value) }

    var value: Bool { held.withLock(\.self) }

    func set() { held.withLock { $0 = true } }
  }

  // MARK: Redis

  @Test func `the server is at the host and the port`() async throws {
    let (one, two) = (try await RedisServer(), try await RedisServer())
    for server in [one, two] { try await Self.publish(try Self.desk(server).context()) }
    for server in [one, two] { #expect(try server.ask("XLEN", "candlecast:BTCUSDT:candles:0") == ":1") }
    let elsewhere = try Self.desk(one, ["redis.host": "127.0.0.77"]).context()
    #expect(try await Self.trouble(elsewhere).contains("127.0.0.77"))
  }

  @Test func `it is entered under the user with the password, in the database of the number`() async throws {
    let server = try await RedisServer(password: "sesame")
    try server.ask("ACL", "SETUSER", "collector", "on", ">secret", "~*", "&*", "+@all")
    let desk = try Self.desk(server)
    for (knobs, database) in [
      (["redis.password": "sesame"], 0), (["redis.password": "sesame", "redis.database": "3"], 3),
      (["redis.user": "collector", "redis.password": "secret", "redis.database": "5"], 5),
    ] {
      try await Self.publish(try desk.context(knobs))
      #expect(try server.ask("INFO", "keyspace").contains("db\(database):keys="))
    }
    for knobs in [
      [:], ["redis.password": "another"], ["redis.user": "nobody", "redis.password": "sesame"],
      ["redis.user": "collector", "redis.password": "sesame"],
    ] {
      let trouble = try await Self.trouble(try desk.context(knobs))
      #expect(!trouble.contains("sesame") && !trouble.contains("secret"))
    }
  }

  @Test func `the newest features and predictions are there under their keys, unless they are not wanted`()
    async throws
  {
    let server = try await RedisServer()
    let desk = try Self.desk(server)
    let time = Timestamp("2026-11-21")!
    let point = FeaturePoint(symbol: .btcusdt, timestamp: time)
    let prediction = CachedPrediction(
      symbol: .btcusdt, timestamp: time, currentPrice: 1, predictedPrice: 2, horizonSeconds: 900, confidence: 0.5,
      modelVersion: "v", featuresAgeMilliseconds: 1, latencyMilliseconds: 1, source: "redis")
    let named = ["redis.features_key_prefix": "f", "redis.prediction_key": "p:{symbol}"]
    for (knobs, keys) in [
      ([:], ["features:BTCUSDT", "prediction:BTCUSDT:latest"]), (named, ["f:BTCUSDT", "p:BTCUSDT"]),
    ] {
      let cache = try #require(try desk.context(knobs).featureCache())
      #expect(await cache.store(point) == .stored)
      #expect(await cache.store(prediction) == .stored)
      for key in keys { #expect(try server.ask("EXISTS", key) == ":1", "\(key)") }
    }
    #expect(try desk.context(["redis.cache": "false"]).featureCache() == nil)
    #expect(try desk.context(["stream.kind": "kinesis"]).featureCache() == nil)
    #expect(try desk.context(["stream.kind": "kinesis", "redis.cache": "true"]).featureCache() != nil)
  }

  // MARK: Streams

  @Test func `streams begin with the name`() async throws {
    let server = try await RedisServer()
    try await Self.publish(try Self.desk(server, ["stream.name": "other"]).context())
    #expect(try server.ask("EXISTS", "other:BTCUSDT:candles:0", "candlecast:BTCUSDT:candles:0") == ":1")
  }

  @Test(.timeLimit(.minutes(Soak.minutes(5))), arguments: [nil, "the second one"])
  func `a member has its name, or that of its role`(member: String?) async throws {
    let server = try await RedisServer()
    let desk = try Self.desk(server, member.map { ["stream.member": $0] } ?? [:])
    try await Self.play(.features, try desk.context()) {
      try server.ask("GET", "candlecast:BTCUSDT:candles:0:features:owner") == member ?? "features"
    }
  }

  @Test(.timeLimit(.minutes(Soak.minutes(5)))) func `the kind chooses Kinesis, with checkpoints in the store`()
    async throws
  {
    let moto = try await MotoServer.shared.value
    let name = "knobs-" + UUID().uuidString
    let database = try PostgresServer.shared().makeSchema()
    let desk = try Desk([
      "stream.kind": "kinesis", "stream.name": name, "stream.member": "me", "aws.endpoint_url": moto.url,
      "store": database,
    ])
    var context = try desk.context()
    context.environment = ["AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"]
    #expect(try await Self.trouble(context).contains("there is no stream \(name)-BTCUSDT-candles"))
    let kinesis = KinesisClient(try HTTPClient(), try context.cloudAccess(), .ofThisMachine)
    for stream in ["candles", "features"] { try await kinesis.createStream("\(name)-BTCUSDT-\(stream)", shards: 2) }
    try await Self.publish(context)
    let store = try context.openForReading()
    try await Self.play(.features, context) {
      try store.checkpoints(stream: "\(name)-BTCUSDT-candles", group: "features").contains { $0.position != "" }
    }
    let rows = try store.checkpoints(stream: "\(name)-BTCUSDT-candles", group: "features")
    #expect(rows.count == 2 && rows.allSatisfy { $0.owner == nil })
  }

  @Test func `Kinesis needs a store that roles can share, and a name that it takes`() async throws {
    let server = "postgres://nobody@localhost:1/none"
    for (knobs, word) in [
      ([:], "--store postgres://"), (["store": server, "stream.name": "a:b"], "stream.name"),
    ] {
      var context = try Desk(["stream.kind": "kinesis", "aws.region": "eu-west-1"].merging(knobs) { $1 }).context()
      context.environment = ["AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"]
      let error = try #require(throws: CommandError.self) {
        try RoleStreams(context: context).stream(RoleStreams.candles)
      }
      #expect(error.exitCode == .wrongUsage && error.description.contains(word), "\(error)")
    }
  }

  // MARK: All of them

  private static let knobs = KnobTable.all.filter { knob in
    ["redis.", "stream.", "aws.", "archive.", "schedule."].contains { knob.key.hasPrefix($0) }
  }

  @Test func `config lists no knob of streams, clouds and schedules as unused`() async throws {
    #expect(Self.knobs.count > 20)
    let listed = try await Desk().command("config").output.split(separator: "\n")
    for knob in Self.knobs {
      let line = try #require(listed.first { $0.hasPrefix(knob.key + " ") })
      #expect(knob.status == .used && !line.contains("not used yet") && !line.contains("changes nothing"))
    }
  }
}
