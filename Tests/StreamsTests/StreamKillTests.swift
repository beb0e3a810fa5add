import Glibc
import Market
import Storage
import TestSupport
import Testing

/// Publisher, members and server as processes of their own, killed as a power cut would. What they store is in
/// PostgreSQL.
@Suite(.serialized) struct StreamKillTests {
  private static let count = 400

  @Test(arguments: Soak.isOn ? 0..<50 : UInt64(0)..<10)
  func `whoever is killed when, the store has each event once`(seed: UInt64) async throws {
    // Every third server forgets everything when it is killed.
    let server = try await RedisServer(seed % 3 == 2 ? [] : ["--appendonly", "yes"])
    let stage = try Stage(server)
    var random = SplitMix64(seed: seed)
    var publisher = try stage.start("publish", "\(Self.count)")
    var members = [try stage.start("consume", "one"), try stage.start("consume", "two")]
    var kills = [0, 0, 0]
    for _ in 0..<8 {
      try await Task.sleep(for: .milliseconds(Int.random(in: 5...120, using: &random)))
      let victim = Int.random(in: 0..<3, using: &random)
      kills[victim] += 1
      switch victim {
      case 0:
        publisher.kill()
        publisher = try stage.start("publish", "\(Self.count)")
      case 1:
        let member = Int.random(in: 0...1, using: &random)
        members[member].kill()
        members[member] = try stage.start("consume", ["one", "two"][member])
      default:
        server.kill()
        try await server.start()
      }
    }
    #expect(try await publisher.end() == 0, "seed \(seed): \(publisher.log)")
    let stored = try stage.stored()
    #expect(stored.candles.map(\.openTime.minute) == Array(0..<Int64(Self.count)), "seed \(seed)")
    #expect(stored.candles.map(\.close) == (1...Self.count).map { Decimal8("\($0)") }, "seed \(seed)")
    #expect(stored.versions == Self.count, "seed \(seed)")
    let running = members.count { $0.isRunning }
    #expect(running == 2, "seed \(seed): \(members.map(\.log))")
    print("seed \(seed): killed publisher, members, server \(kills) times")
  }

  private struct Stage {
    private static let series = Series(.binance, .btcusdt)

    let folder: TemporaryFolder
    let url: String
    let store: String

    init(_ server: RedisServer) throws {
      folder = try TemporaryFolder()
      url = server.url
      store = try PostgresServer.shared().makeSchema()
      // The tables are there before anybody is killed.
      _ = try open(.create)
    }

    private func open(_ access: StoreLocation.Access) throws -> any Store {
      try #require(StoreLocation(store)).open(access)
    }

    func start(_ work: String, _ detail: String) throws -> SpawnedProgram {
      try SpawnedProgram(
        Self.worker, [work, url, "test", store, detail], in: folder.path, log: folder.file("\(work)-\(detail).log"))
    }

    /// Minutes as they stand, and how often any of them was written.
    func stored() throws -> (candles: [Candle], versions: Int) {
      let store = try open(.readOnly)
      let summary = try store.summary(of: Self.series)
      return (try store.candles(Self.series).map(\.candle), (summary?.rows ?? 0) + (summary?.revisions ?? 0))
    }

    /// Built beside the tests.
    private static let worker: String = {
      var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
      let count = readlink("/proc/self/exe", &bytes, bytes.count - 1)
      let path = String(decoding: bytes.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
      return (path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ".") + "/stream-worker"
    }()
  }
}
