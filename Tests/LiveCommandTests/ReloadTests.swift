import Cloud
import Features
import FoundationEssentials
import Ingestion
import Market
import Models
import Operations
import Pipeline
import Platform
import Storage
import Synchronization
import Tape
import TestSupport
import Testing
import Transport
import Venues

@testable import candlecast

/// Versions that change while a feed runs.
struct ReloadTests {
  private static let target = PredictionTarget.direction(horizonMinutes: 15)

  private struct NoVersion: Error {}

  // MARK: The registry

  private func watch(_ context: CommandContext, _ status: LiveStatus) -> ModelWatch {
    ModelWatch(
      context, context.view, serving: [.init(target: Self.target, version: nil)], status)
  }

  @Test func `promotion, rollback and registration are each noticed once`() throws {
    let desk = try Desk(["market.venue": "binance"])
    let shelf = Shelf(context: try desk.context(), folder: desk.folder)
    let watch = watch(shelf.context, LiveStatus())
    #expect(!watch.look() && watch.take().isEmpty)

    let first = try shelf.register("a", treeCount: 2)
    #expect(watch.look() && !watch.look())
    #expect(
      watch.take().map(\.served) == [.init(target: Self.target, version: "a", unpromotedReason: "not promoted yet")])

    try shelf.promote(first)
    #expect(watch.look())
    #expect(watch.take().map(\.served) == [.init(target: Self.target, version: "a")])

    let second = try shelf.register("b", treeCount: 3)
    #expect(!watch.look(), "what is in production stays when another is registered")
    try shelf.promote(second)
    #expect(watch.look())
    let taken = watch.take()
    #expect(taken.map(\.served.version) == ["b"])
    guard case .candles(let version?) = taken.first?.answer else { throw NoVersion() }
    #expect(version.standing == .production)

    try shelf.context.registry.rollback(shelf.slot, at: SystemClock.now(), who: "test", why: "test")
    #expect(watch.look() && watch.take().map(\.served.version) == ["a"])
  }

  @Test func `what answers is what is asked for by alias or by name`() throws {
    let desk = try Desk(["market.venue": "binance"])
    let shelf = Shelf(context: try desk.context(), folder: desk.folder)
    try shelf.promote(try shelf.register("a", treeCount: 2))
    try shelf.register("b", treeCount: 3)
    try shelf.register("c", treeCount: 4, isGatePassed: false)
    func serving(_ uri: String?, _ target: PredictionTarget = Self.target) throws -> Registry.Serving {
      let context = try desk.context(uri.map { ["inference.model_uri": $0] } ?? [:])
      return try context.serving(context.view, target)
    }
    let (a, b, c) = (VersionName("a")!, VersionName("b")!, VersionName("c")!)
    #expect(try serving(nil) == .production(a))
    #expect(try serving("models:/bitcoin-model@production") == .production(a))
    #expect(try serving("models:/bitcoin-model@candidate") == .unpromoted(b, reason: "not promoted yet"))
    #expect(try serving("models:/bitcoin-model@latest") == .unpromoted(c, reason: "no skill"))
    #expect(try serving("models:/bitcoin-model/a") == .production(a))
    #expect(try serving("models:/bitcoin-model/b") == .unpromoted(b, reason: "not promoted yet"))
    let other = PredictionTarget.window(lengthMinutes: 5)
    for uri in ["@candidate", "/b"] { #expect(try serving("models:/bitcoin-model" + uri, other) == .baseline) }
    #expect(throws: RegistryError.unknownVersion(VersionName("d")!)) { try serving("models:/bitcoin-model/d") }
    for uri in ["models:/other@production", "models:/bitcoin-model@staging", "runs:/1/model"] {
      let error = #expect(throws: CommandError.self) { try serving(uri) }
      #expect(error?.exitCode == .wrongUsage && error?.description.contains("@candidate") == true)
    }
  }

  @Test func `a feed that answers by alias takes what the alias moves to`() throws {
    let desk = try Desk(["market.venue": "binance", "inference.model_uri": "models:/bitcoin-model@latest"])
    let shelf = Shelf(context: try desk.context(), folder: desk.folder)
    let watch = watch(shelf.context, LiveStatus())
    for (name, treeCount) in [("a", 2), ("b", 3)] {
      let version = try shelf.register(name, treeCount: treeCount)
      #expect(watch.look() && watch.take().map(\.served.version) == [name])
      try shelf.promote(version)
      #expect(watch.look() && watch.take().map(\.served) == [.init(target: Self.target, version: name)])
    }
    try shelf.context.registry.rollback(shelf.slot, at: SystemClock.now(), who: "test", why: "test")
    #expect(watch.look())
    #expect(watch.take().map(\.served.version) == ["b"], "it is the latest still, and in production no more")
  }

  private struct Bucket {
    private let client: S3Client
    private let name = "models-" + UUID().uuidString.lowercased()
    private let environment: [String: String]

    init(_ folder: TemporaryFolder) async throws {
      environment = [
        "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": try await MotoServer.shared.value.url, "HOME": folder.path,
      ]
      client = S3Client(try HTTPClient(), try CloudAccess(environment: environment), .ofThisMachine)
      try await client.createBucket(name)
    }

    /// The list of versions last.
    func upload(_ models: String) async throws {
      let files = try FileManager.default.subpathsOfDirectory(atPath: models)
      for file in files.filter({ $0.contains("/") }) + files.filter({ !$0.contains("/") }) {
        guard (try? FileManager.default.contentsOfDirectory(atPath: "\(models)/\(file)")) == nil,
          let data = FileManager.default.contents(atPath: "\(models)/\(file)")
        else { continue }
        _ = try await client.put([UInt8](data), to: try S3Location(bucket: name, key: "models/\(file)"))
      }
    }

    func context(_ desk: Desk) async throws -> CommandContext {
      let usual = try desk.context(["models": "s3://\(name)/models", "inference.reload_seconds": "0.05"])
      var context = CommandContext(
        configuration: usual.configuration, log: usual.log, output: usual.output, installation: usual.installation,
        environment: environment)
      context.modelsMirror = try await context.modelsInBucket()?.refresh()
      return context
    }
  }

  @Test(.timeLimit(.minutes(Soak.minutes(5))))
  func `a promotion in a bucket is fetched and noticed while a process runs`() async throws {
    let desk = try Desk(["market.venue": "binance"])
    let shelf = Shelf(context: try desk.context(), folder: desk.folder)
    let bucket = try await Bucket(desk.folder)
    try shelf.promote(try shelf.register("a", treeCount: 2))
    try await bucket.upload(shelf.context.modelsFolder)
    let context = try await bucket.context(desk)
    let watch = watch(context, LiveStatus())
    let (changes, told) = AsyncStream.makeStream(of: String?.self)
    let running = Task {
      await watch.run { for change in watch.take() { told.yield(change.served.version) } }
    }
    defer { running.cancel() }
    var versions = changes.makeAsyncIterator()
    #expect(await versions.next() == "a")
    try shelf.promote(try shelf.register("b", treeCount: 3))
    try await bucket.upload(shelf.context.modelsFolder)
    #expect(await versions.next() == "b")
    #expect(try context.registry.serving(shelf.slot) == .production(try #require(VersionName("b"))))
  }

  @Test(arguments: ["another feature set", "a damaged file", "an unreadable file"])
  func `what cannot be served changes nothing, and is said`(fault: String) throws {
    let desk = try Desk(["market.venue": "binance"])
    let told = Mutex<[String]>([])
    let usual = try desk.context()
    let log = Log(
      files: nil, fileLevel: .info, screenLevel: .error, screen: { line in told.withLock { $0.append(line) } },
      clock: SystemClock.now)
    let context = CommandContext(
      configuration: usual.configuration, log: log, output: usual.output, installation: usual.installation)
    let (shelf, status) = (Shelf(context: context, folder: desk.folder), LiveStatus())
    let watch = watch(context, status)
    try shelf.promote(try shelf.register("a", treeCount: 2))
    #expect(watch.look() && watch.take().count == 1)

    let bad = try shelf.register("b", treeCount: 3, isFitting: fault != "another feature set")
    try shelf.promote(bad)
    let weights = "\(context.modelsFolder)/active/b/\(VersionDirectory.File.weights)"
    if fault == "a damaged file" { try Data([1, 2, 3]).write(to: URL(filePath: weights)) }
    if fault == "an unreadable file" { try FileManager.default.removeItem(atPath: weights) }

    #expect(!watch.look() && watch.take().isEmpty)
    #expect(status.reloads == LiveStatus.Reloads(switched: 0, refused: 1))
    #expect(HealthPages(status: status).metrics.contains(#"candlecast_model_reloads_total{outcome="refused"} 1"#))
    #expect(told.withLock { $0.count } == 1 && told.withLock { $0[0].contains("cannot be served, a stays") })
    let refusals = watch.takeRefusals()
    #expect(refusals.map(\.target) == [Self.target] && refusals[0].sentence.contains("cannot be served, a stays"))
    #expect(watch.takeRefusals().isEmpty)

    try shelf.promote(try shelf.register("c", treeCount: 4))
    #expect(watch.look() && watch.take().map(\.served.version) == ["c"])
  }

  // MARK: A running feed

  @Test(.timeLimit(.minutes(Soak.minutes(5))))
  func `a version is changed between two minutes, none in time is left out or mixed, and the tape gives the same`()
    async throws
  {
    let knobs = ["ingest.limit": "400", "inference.reload_seconds": "0.05"]
    let desk = try Desk(try Exchange.shared.get().knobs.merging(knobs) { $1 })
    let context = try desk.context()
    let shelf = Shelf(context: context, folder: desk.folder)
    var options = LiveSession.Options(service: context.configuration)
    options.servesHealth = false
    // Without trades there is nothing between the minutes.
    options.channels = [.klines]
    let names = ["a", "b", "c"]
    // Versions registered, and the predictions made when the last of them was seen to serve.
    let stages = Mutex<(registered: Int, seenAt: Int?)>((0, 0))
    let result = try await Watch.run(context, options) { status in
      let made = status.current?.predictions.values.reduce(0, +) ?? 0
      return try stages.withLock { stage in
        guard status.reloads.switched == stage.registered else { return false }
        let seenAt = stage.seenAt ?? made
        stage.seenAt = seenAt
        // Of the target the baseline says one thing a minute, a version six, and of each window one is said: each
        // serves for a whole minute at least.
        guard made >= seenAt + (stage.registered == 0 ? 6 : 17) else { return false }
        guard stage.registered < names.count else { return true }
        try shelf.register(names[stage.registered], treeCount: stage.registered + 2)
        stage = (stage.registered + 1, nil)
        return false
      }
    }
    let store = try DuckDBStore(path: desk.storePath)
    let stored = try store.predictions()
    #expect(stored.count == result.predictions)
    let windows = stored.filter { PredictionTarget.marketWindows.contains($0.target) }
    #expect(Set(windows.map(\.target)) == Set(PredictionTarget.marketWindows))
    #expect(windows.allSatisfy { $0.version == "" } && windows.contains { $0.modelName == .baseline })
    let minutes = Dictionary(grouping: stored.filter { $0.target == Self.target }, by: \.time)
      .sorted { $0.key < $1.key }
    let first = try #require(minutes.first).key
    let last = try #require(minutes.last).key
    for (time, cameAt) in try Self.arrivals(store, context.view) where first <= time && time <= last {
      let isInTime = cameAt <= time.adding(minutes: PredictionPipeline.latestDecisionMinutes)
      #expect(minutes.contains { $0.key == time } == isInTime, "the minute that closed at \(time) came at \(cameAt)")
    }
    #expect(minutes.allSatisfy { Set($0.value.map(\.version)).count == 1 }, "a minute has two versions")
    var served: [String] = []
    for (_, made) in minutes where served.last != made[0].version { served.append(made[0].version) }
    #expect(served.count == 4 && Array(served.dropFirst()) == names, "\(served)")

    let replayed = try RecordingReplay(
      context: context, path: desk.folder.path + "/tape", destination: nil, history: .duckDB(path: desk.storePath)
    ).run()
    #expect(replayed.predictions == result.predictions && replayed.fingerprint == result.fingerprint)
  }

  @Test(.timeLimit(.minutes(Soak.minutes(5))))
  func `what answers between candles is changed between two moments, none is mixed, and the tape gives the same`()
    async throws
  {
    let knobs = ["ingest.limit": "400", "inference.reload_seconds": "0.05"]
    let desk = try Desk(try Exchange.shared.get().knobs.merging(knobs) { $1 })
    let context = try desk.context()
    let shelf = Shelf(context: context, folder: desk.folder)
    let names = ["a", "b", "c"]
    try shelf.registerTicks(names[0], deviation: 2)
    var options = LiveSession.Options(service: context.configuration)
    options.servesHealth = false
    // Versions registered since the start, the moments at which none of them answered, and the answers that were there
    // when the last of both was seen.
    let stages = Mutex<(registered: Int, unanswered: Int, seenAt: Int?)>((0, 0, nil))
    let result = try await Watch.run(context, options) { status in
      // What is trained on a simulator is never promoted.
      let facts = status.current
      let answered = facts?.predictions["unpromoted"] ?? 0
      let unanswered = facts?.measures.unanswered ?? 0
      return try stages.withLock { stage in
        guard status.reloads.switched == stage.registered else { return false }
        // Before the candles of an hour are there the windows speak alone.
        if unanswered != stage.unanswered { (stage.unanswered, stage.seenAt) = (unanswered, nil) }
        let seenAt = stage.seenAt ?? answered
        stage.seenAt = seenAt
        // What is seen is half a second old, twenty moments of the feed, and at each the model, the line, the baseline and
        // two windows speak: each version serves for twenty at least.
        guard answered >= seenAt + 200 else { return false }
        guard stage.registered + 1 < names.count else { return true }
        try shelf.registerTicks(names[stage.registered + 1], deviation: Double(stage.registered + 3))
        (stage.registered, stage.seenAt) = (stage.registered + 1, nil)
        return false
      }
    }
    let store = try DuckDBStore(path: desk.storePath)
    #expect(try store.predictions().count == result.predictions)
    try expectWholeMoments(of: names, in: store)

    let replayed = try RecordingReplay(
      context: context, path: desk.folder.path + "/tape", destination: nil, history: .duckDB(path: desk.storePath)
    ).run()
    #expect(replayed.predictions == result.predictions && replayed.fingerprint == result.fingerprint)
  }

  /// At each moment one version speaks and nobody is left out, and versions follow one another.
  private func expectWholeMoments(of names: [String], in store: DuckDBStore) throws {
    let stored = try store.predictions(PredictionFilter(target: TickDecisions.target))
    let moments = Dictionary(grouping: stored, by: \.time).sorted { $0.key < $1.key }
    var served: [String] = []
    for (time, said) in moments {
      let versions = Set(said.map(\.version)).subtracting([""])
      #expect(versions.count <= 1, "\(time): \(versions)")
      #expect(Set(said.map(\.inputHash)).count == 1, "\(time)")
      // Where it abstains, as it does when the machine is late, it has its name on that.
      if let version = versions.first, served.last != version { served.append(version) }
      guard said.contains(where: { $0.state == "unpromoted" }) else { continue }
      #expect(Set(said.map(\.state)) == ["unpromoted"], "\(time)")
      #expect(Set(said.map(\.modelName)).isSuperset(of: [.mlp, .baseline]), "\(time)")
    }
    #expect(served == names)
    for target in PredictionTarget.openWindows {
      let windows = try store.predictions(PredictionFilter(target: target))
      #expect(Set(windows.map(\.time)) == Set(moments.map(\.key)), "\(target)")
    }
  }

  /// When each minute was first there to be read, by its close.
  private static func arrivals(_ store: DuckDBStore, _ view: MarketView) throws -> [Timestamp: Timestamp] {
    var arrivals: [Timestamp: Timestamp] = [:]
    try store.readEvents(view, in: .distantPast..<(.distantFuture)) { event in
      guard case .candle(_, let record) = event else { return }
      let close = record.candle.openTime.adding(minutes: 1)
      arrivals[close] = min(arrivals[close] ?? .distantFuture, record.availableAt)
    }
    return arrivals
  }

  @Test func `with a rhythm of nothing the registry is read at the start alone`() async throws {
    let desk = try Desk(["inference.reload_seconds": "0", "market.venue": "binance"])
    let shelf = Shelf(context: try desk.context(), folder: desk.folder)
    let watch = watch(shelf.context, LiveStatus())
    try shelf.register("a", treeCount: 2)
    await watch.run()
    #expect(watch.take().isEmpty)
  }
}
