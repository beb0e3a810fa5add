import Features
import Glibc
import Market
import Models
import Storage
import TestSupport
import Testing
import Transport

/// The same recording through one process and through one for each role.
struct RoleTests {
  private static let venue = ["--venue", "sim-binance"]

  enum Carrier: String, CaseIterable, Sendable { case redis, kinesis }

  @Test(arguments: Carrier.allCases)
  func `roles in processes of their own store the rows of one process, whoever is killed`(
    carrier: Carrier
  ) async throws {
    let recorded = try await Recorded.shared.value
    let streams = try await Streams(carrier)
    let apart = try PostgresServer.shared().makeDatabase()
    func start(_ role: String) throws -> RunningProgram {
      try recorded.rehearsal.candlecast(
        ["run", "--roles", role, "--store", apart.address] + Self.venue, in: recorded.folder,
        environment: streams.environment, name: "\(carrier)-\(role)")
    }
    var readers = try ["features", "predict"].map(start)
    func ingest() throws -> RunningProgram {
      try recorded.rehearsal.candlecast(
        recorded.played + ["--roles", "ingest", "--store", apart.address], in: recorded.folder,
        environment: streams.environment, name: "\(carrier)-ingest")
    }
    let killed = try ingest()
    _ = try await Wait.until("the first candle", killed) {
      // There is no store before it has begun.
      let stored = try? Contents.store(apart).candles(Rehearsal.series)
      return stored?.isEmpty == false || killed.ending != nil ? true : nil
    }
    // What it has told by now comes once more.
    killed.kill()
    _ = try await killed.end()
    let collector = try ingest()
    #expect(try await collector.end() == .exited(0), "\(collector.error)")
    for (index, role) in ["features", "predict", "features"].enumerated().map({ ($0.offset % 2, $0.element) }) {
      let before = try predictions(apart).count
      _ = try await Wait.until("a prediction", readers[index]) {
        let count = try predictions(apart).count
        return count > before || count == recorded.contents.predictions.count ? true : nil
      }
      readers[index].kill()
      readers[index] = try start(role)
    }
    _ = try await Wait.until("the last prediction", readers[1]) {
      try predictions(apart).count >= recorded.contents.predictions.count ? true : nil
    }
    for reader in readers {
      reader.send(SIGTERM)
      // One that has only just been started again may not listen to it yet.
      let ending = try await reader.end()
      #expect(ending == .exited(0) || ending == .killed(SIGTERM), "\(ending): \(reader.error)")
    }
    let found = try Contents(apart)
    let difference = found.difference(from: recorded.contents.told(over: carrier))
    #expect(difference == nil)
    for target in [.direction(horizonMinutes: 15), Recorded.window] + PredictionTarget.ofTicks
      + PredictionTarget.openWindows
    {
      let predictions = found.predictions.filter { $0.target == target }
      #expect(Set(predictions.compactMap(\.probabilityUp)).count > 5, "predictions of \(target) hardly differ")
    }
    #expect(found.predictions.contains { $0.target.isOfTicks && $0.reason.contains("its offset is of") })
  }

  @Test(.timeLimit(.minutes(Soak.minutes(10))))
  func `without points it is said why, until they come again`() async throws {
    let rehearsal = try await Rehearsal(Rehearsal.candles(hours: 5), speed: 20, streamedHours: 3)
    let redis = try await RedisServer()
    let apart = try PostgresServer.shared().makeDatabase()
    let folder = try TemporaryFolder()
    func start(_ role: String) throws -> RunningProgram {
      try rehearsal.candlecast(
        ["run", "--roles", role, "--store", apart.address] + Self.venue, in: folder,
        environment: ["CANDLECAST_REDIS_HOST": "127.0.0.1", "CANDLECAST_REDIS_PORT": "\(redis.port)"], name: role)
    }
    let ingest = try start("ingest")
    var features = try start("features")
    let predict = try start("predict")
    let store = try #require(StoreLocation(apart.address)).open(.create)
    var last = Timestamp.distantPast
    /// Waits for a row after the last one of which something holds.
    func awaitRow(_ what: String, _ holds: (Prediction) -> Bool) async throws -> Prediction {
      let found = try await Wait.until(what, predict) {
        guard ingest.ending == nil, features.ending == nil || features.ending == .killed(SIGKILL) else {
          throw RunningProgram.NotInTime(description: "\(what): \(ingest.error) \(features.error)")
        }
        let filter = PredictionFilter(
          range: last..<(.distantFuture), target: .move(horizonSeconds: 60), mode: .live)
        return try store.predictions(filter).first(where: holds)
      }
      last = found.time
      return found
    }
    // Until trades stream, what requests tell stands for them.
    _ = try await awaitRow("a prediction") { $0.state == "untrained" && $0.forecast?.source == .redis }
    let point = try redis.ask("LINDEX", "features:BTCUSDT", "0")
    for name in ["\"price\": ", "\"vwap\": ", "\"order_book_imbalance\": ", "\"rsi_5m\": "] {
      #expect(point.contains(name), "\(point)")
    }
    _ = try await Wait.until("the newest prediction", predict) {
      try redis.ask("GET", "prediction:BTCUSDT:latest").contains("\"source\": \"redis\"") ? true : nil
    }
    features.kill()
    let stale = try await awaitRow("a stale key") { $0.state == "abstain:stale" && $0.reason.contains("in Redis are") }
    #expect(stale.probabilityUp == nil && stale.confidence == nil && stale.forecast?.source == .redis)
    try redis.ask("DEL", "features:BTCUSDT")
    _ = try await awaitRow("a missing key") { $0.state == "abstain:missing" }
    redis.kill()
    _ = try await awaitRow("Redis gone") { $0.state == "abstain:unavailable" }
    try await redis.start()
    features = try start("features")
    _ = try await awaitRow("points again") { $0.state == "untrained" }
  }

  @Test func `a stream that is not there ends the roles with what to do`() async throws {
    let streams = try await Streams(.kinesis)
    let store = ["--store", try PostgresServer.shared().makeSchema()]
    let environment = streams.environment.merging(["CANDLECAST_STREAM_NAME": "nowhere"]) { $1 }
    let folder = try TemporaryFolder()
    for role in ["features", "predict"] {
      let program = try RunningProgram(
        arguments: ["run", "--roles", role] + store + Self.venue, in: folder, environment: environment, name: role)
      #expect(try await program.end() == .exited(4), "\(program.error)")
      #expect(program.error.contains("there is no stream nowhere-BTCUSDT-"), "\(program.error)")
    }
    let program = try RunningProgram(
      arguments: ["run", "--roles", "features"] + Self.venue, in: folder, environment: environment, name: "file")
    #expect(try await program.end() == .exited(2), "\(program.error)")
    #expect(program.error.contains("--store postgres://"), "\(program.error)")
  }

  private func predictions(_ database: PostgresDatabase) throws -> [Prediction] {
    try Contents.predictions(Contents.store(database))
  }

  // MARK: What is played back

  /// A feed that was recorded, and what one process makes of the recording.
  private final class Recorded: Sendable {
    static let shared = Task { try await Recorded() }
    static let window = PredictionTarget.window(lengthMinutes: 5)
    let rehearsal: Rehearsal
    let folder: TemporaryFolder
    /// What plays the recording back.
    let played: [String]
    let contents: Contents

    private init() async throws {
      rehearsal = try await Rehearsal(Rehearsal.candles(hours: 30), speed: 300, streamedHours: 12)
      folder = try TemporaryFolder()
      for target in [.direction(horizonMinutes: 15), Self.window] { try KillTests.register(in: folder, target: target) }
      try Self.registerTicks(in: folder)
      let live = try rehearsal.live(in: folder)
      try await live.untilCaughtUp()
      _ = try await Wait.until("half an hour of predictions", live.program) {
        try await live.metrics()["candlecast_predictions_total", default: 0] > 3000 ? true : nil
      }
      _ = try await live.stop()
      played = ["replay", "--recording", "feature_store/tape", "--history", folder.storePath] + RoleTests.venue
      let together = try PostgresServer.shared().makeDatabase()
      let one = try rehearsal.candlecast(
        played + ["--store", together.address], in: folder, name: "one")
      #expect(try await one.end() == .exited(0), "\(one.error)")
      contents = try Contents(together)
    }

    /// A version of random weights for what is said between candles.
    private static func registerTicks(in folder: TemporaryFolder) throws {
      let made = MadeTickVersion(
        shape: .sequence, view: MarketView(price: Rehearsal.series), inputsHash: TickInputs.hash.description,
        inputNames: TickInputs.names)
      _ = try Registry(path: folder.file("models")).register(
        staged: try made.write(in: folder.path), at: Timestamp(minute: 0), who: "test", why: "test")
    }
  }

  private struct Contents: Equatable, Sendable {
    let candles: [CandleRecord]
    let revisions: [CandleRevision]
    let ledger: [LedgerRange]
    let quality: [QualityEvent]
    private(set) var predictions: [Prediction]

    init(_ database: PostgresDatabase) throws {
      let store = try Self.store(database)
      candles = try store.candles(Rehearsal.series)
      revisions = try store.revisions(Rehearsal.series, in: .all, asOf: .distantFuture)
      ledger = try store.ledger(Rehearsal.series, .minutes) + store.ledger(Rehearsal.series, .trades)
      quality = try store.qualityEvents(nil, unresolvedOnly: false, limit: 1000)
      predictions = try Self.predictions(store)
    }

    /// The first thing that is not the same; whole stores are too long to print.
    func difference(from other: Contents) -> String? {
      Self.difference("candle", candles, other.candles) ?? Self.difference("revision", revisions, other.revisions)
        ?? Self.difference("range", ledger, other.ledger) ?? Self.difference("event", quality, other.quality)
        ?? Self.difference("prediction", predictions, other.predictions)
    }

    private static func difference<Row: Equatable>(_ name: String, _ found: [Row], _ expected: [Row]) -> String? {
      if let pair = zip(found, expected).first(where: { $0 != $1 }) { return "\(name) \(pair.0), not \(pair.1)" }
      return found.count == expected.count ? nil : "\(found.count) of \(name), not \(expected.count)"
    }

    static func store(_ database: PostgresDatabase) throws -> any Store {
      try #require(StoreLocation(database.address)).open(.existing)
    }

    /// The same, when points of the feed go from one role to another.
    func told(over carrier: Carrier) -> Contents {
      guard carrier == .redis else { return self }
      var contents = self
      for place in predictions.indices where predictions[place].forecast?.source == .direct {
        contents.predictions[place].forecast?.source = .redis
      }
      return contents
    }

    static func predictions(_ store: any Store) throws -> [Prediction] {
      try store.predictions().map { prediction in
        var prediction = prediction
        prediction.latencyNanoseconds = 0
        return prediction
      }
    }
  }

  // MARK: What carries the events

  private struct Streams {
    private(set) var environment: [String: String]
    private var redis: RedisServer?

    init(_ carrier: Carrier) async throws {
      switch carrier {
      case .redis:
        let server = try await RedisServer()
        environment = ["CANDLECAST_REDIS_HOST": "127.0.0.1", "CANDLECAST_REDIS_PORT": "\(server.port)"]
        redis = server
      case .kinesis:
        let moto = try await MotoServer.shared.value
        let name = "roles-\(getpid())"
        environment = [
          "CANDLECAST_STREAM_KIND": "kinesis", "CANDLECAST_STREAM_NAME": name, "AWS_ENDPOINT_URL": moto.url,
          "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
        ]
        for stream in ["candles", "features"] { try await moto.createStream("\(name)-BTCUSDT-\(stream)") }
      }
    }
  }
}

extension MotoServer {
  fileprivate func createStream(_ name: String) async throws {
    let answer = try await HTTPClient().send(
      HTTPRequest(
        method: "POST", url: url + "/",
        headers: [
          HTTPHeader("Content-Type", "application/x-amz-json-1.1"),
          HTTPHeader("X-Amz-Target", "Kinesis_20131202.CreateStream"),
          HTTPHeader("Authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/kinesis/aws4_request"),
        ], body: Array("{\"StreamName\":\"\(name)\",\"ShardCount\":2}".utf8), timeoutSeconds: Patience.seconds))
    let text = String(decoding: answer.body, as: UTF8.self)
    #expect(answer.status == 200 || text.contains("ResourceInUse"), "\(name): \(text)")
  }
}
