import Glibc
import Market
import Models
import Storage
import TestSupport
import Testing

/// The same recording through one process and through one for each role.
struct RoleTests {
  private static let venue = ["--venue", "sim-binance"]

  @Test func `roles in processes of their own store the rows of one process`() async throws {
    let rehearsal = try await Rehearsal(Rehearsal.candles(hours: 30), speed: 600, streamedHours: 12)
    let folder = try TemporaryFolder()
    try KillTests.register(in: folder)
    let live = try rehearsal.live(in: folder)
    try await live.untilCaughtUp()
    _ = try await Wait.until("an hour of candles", 60, live.program) {
      try await live.health().flatMap { $0.candles_processed > 60 ? true : nil }
    }
    _ = try await live.stop()

    let server = try PostgresServer.shared()
    let (together, apart) = (try server.makeDatabase(), try server.makeDatabase())
    let redis = try await RedisServer()
    let played = ["replay", "--recording", "feature_store/tape", "--history", folder.storePath] + Self.venue
    let one = try rehearsal.candlecast(played + ["--store", together.address], in: folder, name: "one")
    #expect(try await one.end() == .exited(0), "\(one.error)")

    let streams = ["CANDLECAST_REDIS_HOST": "127.0.0.1", "CANDLECAST_REDIS_PORT": "\(redis.port)"]
    let readers = try ["features", "predict"].map { role in
      try rehearsal.candlecast(
        ["run", "--roles", role, "--store", apart.address] + Self.venue, in: folder, environment: streams, name: role)
    }
    let ingest = try rehearsal.candlecast(
      played + ["--roles", "ingest", "--store", apart.address], in: folder, environment: streams, name: "ingest")
    #expect(try await ingest.end() == .exited(0), "\(ingest.error)")
    let expected = try contents(together)
    _ = try await Wait.until("the last prediction", 60, readers[1]) {
      try predictions(apart).count >= expected.predictions.count ? true : nil
    }
    for reader in readers {
      reader.send(SIGTERM)
      #expect(try await reader.end(within: 30) == .exited(0), "\(reader.error)")
    }
    let found = try contents(apart)
    #expect(found == expected)
    #expect(Set(found.predictions.map(\.probabilityUp)).count > 20, "predictions hardly differ")
  }

  private struct Contents: Equatable {
    let candles: [CandleRecord]
    let revisions: [CandleRevision]
    let ledger: [LedgerRange]
    let quality: [QualityEvent]
    let predictions: [Prediction]
  }

  private func contents(_ database: PostgresDatabase) throws -> Contents {
    let store = try store(database)
    return Contents(
      candles: try store.candles(Rehearsal.series),
      revisions: try store.revisions(Rehearsal.series, in: .all, asOf: .distantFuture),
      ledger: try store.ledger(Rehearsal.series, .minutes) + store.ledger(Rehearsal.series, .trades),
      quality: try store.qualityEvents(nil, unresolvedOnly: false, limit: 1000), predictions: try predictions(database))
  }

  private func predictions(_ database: PostgresDatabase) throws -> [Prediction] {
    try store(database).predictions().map { prediction in
      var prediction = prediction
      prediction.latencyNanoseconds = 0
      return prediction
    }
  }

  private func store(_ database: PostgresDatabase) throws -> any Store {
    try #require(StoreLocation(database.address)).open(.existing)
  }
}
