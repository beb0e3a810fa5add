import Dispatch
import Glibc
import Market
import Synchronization
import TestSupport
import Testing

@testable import Storage

/// What a store has of being on a server.
struct PostgresStoreTests {
  private let places = StorePlaces()

  private func time(_ minute: Int) -> Timestamp { Timestamp.start.adding(minutes: minute) }

  // MARK: Tables

  @Test func `an empty database gets its tables once, and says so`() throws {
    let name = try places.postgres().name
    for access in [StoreLocation.Access.existing, .readOnly] {
      let error = try #require(throws: StoreError.self) { try places.openPostgres(access) }
      guard case .absent(let path) = error, path.hasSuffix(name) else { throw error }
    }
    #expect(try places.openPostgres().wasInitialised)
    #expect(try !places.openPostgres().wasInitialised)
    let store = try places.openPostgres(.readOnly)
    #expect(!store.wasInitialised)
    #expect(throws: StoreError.self) { try store.setMeta("a", "b") }
    #expect(try store.number("SELECT count(*) FROM schema_migrations") == Int64(PostgresSchema.steps.count))
  }

  @Test func `stores that begin at once make the tables once`() async throws {
    let address = try PostgresLocation(places.postgres().address)
    let initialised = try await withThrowingTaskGroup(of: Bool.self) { group in
      for index in 0..<8 {
        group.addTask {
          let store = try PostgresStore(address)
          try store.write(Candle.random(500, seed: 1), .archive(storedAt: index))
          return store.wasInitialised
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(initialised.count { $0 } == 1)
    let store = try places.openPostgres(.existing)
    #expect(try store.candles(.bitcoin).map(\.candle) == Candle.random(500, seed: 1))
    #expect(try store.summary(of: .bitcoin)?.revisions == 0)
  }

  @Test func `a newer schema is refused`() throws {
    let next = PostgresSchema.steps.count + 1
    try places.openPostgres().execute(
      "INSERT INTO schema_migrations (version, name, checksum) VALUES (\(next), 'more', 'x')")
    let error = try #require(throws: StoreError.self) { try places.openPostgres() }
    guard case .newerSchema(_, let reason) = error else { throw error }
    #expect(reason == "schema \(next), known up to \(next - 1)")
  }

  @Test func `a step that was taken otherwise is refused`() throws {
    try places.openPostgres().execute("UPDATE schema_migrations SET checksum = 'x' WHERE version = 1")
    let error = try #require(throws: StoreError.self) { try places.openPostgres() }
    guard case .alteredSchema = error else { throw error }
    #expect(error.exitCode == 3)
  }

  @Test(arguments: [
    "CREATE TABLE predictions (mine INTEGER)", "CREATE TABLE schema_migrations (version VARCHAR PRIMARY KEY)",
    "CREATE VIEW candles_1m AS SELECT 1 AS one",
  ])
  func `tables of somebody else are left alone`(sql: String) throws {
    try places.postgres().run(sql)
    let error = try #require(throws: StoreError.self) { try places.openPostgres() }
    guard case .foreign = error else { throw error }
  }

  @Test func `a step that fails leaves the steps before it`() throws {
    let connection = try PostgresConnection(PostgresLocation(places.postgres().address))
    let good = PostgresSchema.Step("good", ["CREATE TABLE good (a INTEGER)"])
    let bad = PostgresSchema.Step("bad", ["CREATE TABLE half (a INTEGER)", "CREATE TABLE good (a INTEGER)"])
    #expect(throws: StoreError.self) { try PostgresMigration(connection, steps: [good, bad]).run() }
    #expect(try connection.query("SELECT count(to_regclass('half'))").integer(0, 0) == 0)
    #expect(try connection.query("SELECT count(to_regclass('good'))").integer(0, 0) == 1)
    let repaired = PostgresSchema.Step("repaired", ["CREATE TABLE half (a INTEGER)"])
    try PostgresMigration(connection, steps: [good, repaired]).run()
    #expect(try connection.query("SELECT max(version) FROM schema_migrations").integer(0, 0) == 2)
  }

  @Test func `tables of an older version are only read once they are brought up to date`() throws {
    let connection = try PostgresConnection(PostgresLocation(places.postgres().address))
    try PostgresMigration(connection, steps: Array(PostgresSchema.steps.prefix(1))).run()
    let error = try #require(throws: StoreError.self) { try places.openPostgres(.readOnly) }
    guard case .outdated = error else { throw error }
    #expect(try !places.openPostgres(.existing).wasInitialised)
    #expect(try places.openPostgres(.readOnly).status().isEmpty)
  }

  // MARK: Partitions

  @Test(arguments: [1, 7, 30])
  func `partitions are made where rows are, whatever their width was before`(days: Int) throws {
    var limits = PostgresLimits()
    let far = [0, 40_000_000, 3, 20_000, 20_001, 9_000_000].map { time($0 - 20_000_000) }
    for (round, width) in [7, days, 2].enumerated() {
      limits.partitionDays = width
      let store = try places.openPostgres(limits: limits)
      var random = SplitMix64(seed: UInt64(round))
      let candles = far.map { Candle.random(at: $0.adding(minutes: round * 8_000), using: &random) }
      try store.write(candles.sorted { $0.openTime < $1.openTime }, .archive(storedAt: round))
    }
    let store = try places.openPostgres()
    #expect(try store.summary(of: .bitcoin)?.rows == 18)
    #expect(try store.candles(.bitcoin).count == 18)
    let partitions = try #require(
      try store.number("SELECT count(*) FROM pg_inherits WHERE inhparent = 'candle_versions'::regclass"))
    #expect((5...18).contains(partitions))
  }

  @Test func `a partition that somebody drops is made again`() throws {
    let store = try places.openPostgres()
    let candles = Candle.random(4, seed: 1)
    try store.commit(.of([candles[0]], knownAt: time(1)))
    let other = try places.openPostgres()
    let name = try other.pool.withConnection {
      try $0.query("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'candle_versions'::regclass")
        .text(0, 0)
    }
    try other.execute("DROP TABLE \(name)")
    #expect(try store.commit(.of([candles[1]], knownAt: time(2))) == [.new])
    #expect(try store.candles(.bitcoin).map(\.candle) == [candles[1]])
  }

  // MARK: Several at once

  @Test func `two live writers of one series lose and double nothing`() async throws {
    let location = try PostgresLocation(places.postgres().address)
    _ = try PostgresStore(location)
    let candles = Candle.random(300, seed: 3)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<3 {
        group.addTask {
          let store = try PostgresStore(location)
          for (index, candle) in candles.enumerated() where index % 3 != writer {
            var batch = LiveBatch.of([candle], knownAt: candle.closeTime)
            let minute = candle.openTime.minute
            batch.ledger = [LedgerRange(.bitcoin, .minutes, minute..<minute + 1, .live, since: .start)]
            while true {
              do {
                try store.commit(batch)
                break
              } catch StoreError.locked {}
            }
          }
        }
      }
      try await group.waitForAll()
    }
    let store = try places.openPostgres(.existing)
    #expect(try store.candles(.bitcoin).map(\.candle) == candles)
    #expect(
      try store.summary(of: .bitcoin)
        == SeriesSummary(
          series: .bitcoin, rows: 300, firstOpenTime: candles[0].openTime, lastOpenTime: candles[299].openTime,
          revisions: 0))
    var map = LedgerMap()
    for candle in candles { map.set(candle.openTime.minute..<candle.openTime.minute + 1, .live, since: .start) }
    #expect(
      try store.ledger(.bitcoin, .minutes)
        == map.runs.map { LedgerRange(.bitcoin, .minutes, $0.range, $0.state, since: $0.since) })
  }

  @Test func `a live writer notices what an import has revised meanwhile`() throws {
    let candle = Candle.random(1, seed: 1)[0]
    let live = try places.openPostgres()
    #expect(try live.commit(.of([candle], knownAt: time(1))) == [.new])
    try places.openPostgres().write([candle.changed], .archive(storedAt: 1))
    #expect(try live.commit(.of([candle.changed], knownAt: time(2))) == [.unchanged])
    #expect(try live.commit(.of([candle], knownAt: time(3))) == [.revised])
    #expect(try live.revisions(.bitcoin, in: .all, asOf: .distantFuture).map(\.revision) == [0, 1, 2])
  }

  @Test func `readers see whole commits while a writer writes`() async throws {
    let location = try PostgresLocation(places.postgres().address)
    let candles = Candle.random(2000, seed: 5)
    try PostgresStore(location).write(Array(candles[..<100]))
    let isDone = Flag()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        defer { isDone.raise() }
        let store = try PostgresStore(location)
        for start in stride(from: 100, to: 2000, by: 100) {
          try store.write(Array(candles[start..<start + 100]), .archive(storedAt: start))
        }
      }
      for _ in 0..<3 {
        group.addTask {
          let store = try PostgresStore(location, mode: .readOnly)
          repeat {
            let found = try store.candles(.bitcoin).map(\.candle)
            #expect(found.count % 100 == 0)
            #expect(found == Array(candles.prefix(found.count)))
          } while !isDone.isUp
        }
      }
      try await group.waitForAll()
    }
    #expect(try places.openPostgres(.readOnly).candles(.bitcoin).count == 2000)
  }

  @Test func `while candles are read the same store reads and writes others`() throws {
    let store = try places.openPostgres()
    try store.write(Candle.random(40_000, seed: 1))
    var batches = 0
    try store.readCandles(.bitcoin, in: .all, asOf: .distantFuture) { batch in
      batches += 1
      try store.write(batch.map(\.candle), to: .ether, .archive(storedAt: batches))
      #expect(
        try store.candles(.ether).last
          == batch.last.map { store in
            WriteStamp.archive(storedAt: batches).record(store.candle, isRevision: false)
          })
    }
    #expect(batches > 1)
    #expect(try store.summary(of: .ether)?.rows == 40_000)
  }

  // MARK: What breaks

  @Test
  func `a connection that is cut in the middle of an import leaves nothing of it`() throws {
    let store = try places.openPostgres()
    let database = try places.postgres()
    let candles = Candle.random(20_000, seed: 6)
    var rest = candles[...]
    let error = try #require(throws: StoreError.self) {
      try store.write(to: .bitcoin, stamp: .archive(storedAt: 0)) {
        if rest.count < 10_000 { try Self.cutAll(database) }
        defer { rest = rest.dropFirst(1000) }
        return rest.isEmpty ? nil : Array(rest.prefix(1000))
      }
    }
    guard case .unavailable = error else { throw error }
    try Self.cutAll(database, waitingSeconds: 10)
    #expect(try store.candles(.bitcoin).isEmpty)
    #expect(try store.status().isEmpty)
    #expect(try store.write(candles) == WriteCounts(new: 20_000))
  }

  @Test func `a commit over a connection that was cut meanwhile gets another one`() throws {
    let store = try places.openPostgres()
    let database = try places.postgres()
    let candles = Candle.random(2, seed: 7)
    try store.commit(.of([candles[0]], knownAt: time(1)))
    try Self.cutAll(database, waitingSeconds: 10)
    try store.commit(.of([candles[1]], knownAt: time(2)))
    #expect(try store.candles(.bitcoin).map(\.candle) == candles)
  }

  @Test func `a batch that was committed unheard is not doubled`() throws {
    var batch = LiveBatch.of(Candle.random(2, seed: 8), knownAt: time(4))
    batch.marketData = ["1.5", "1.5", "2"].map {
      MarketDataRow(series: .bitcoin, time: time(3), price: Decimal8($0)!, source: "sbe", dataType: "trade")
    }
    batch.ticks = []
    try places.openPostgres().commit(batch)
    let again = try places.openPostgres()
    #expect(try again.commit(batch) == [.unchanged, .unchanged])
    #expect(try again.number("SELECT count(*) FROM market_data") == 3)
    batch.knownAt = time(5)
    try again.commit(batch)
    #expect(try again.number("SELECT count(*) FROM market_data") == 6)
  }

  @Test func `what runs can be cancelled from another thread`() throws {
    let store = try places.openPostgres()
    let cancel = store.cancel
    let isRunning = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(54)%' AND state = 'active'"
    let address = try places.postgres().address
    // A thread of its own: the tasks' threads may all be waiting for servers.
    DispatchQueue.global().async {
      guard let watcher = try? PostgresConnection(PostgresLocation(address)) else { return }
      // The watching statement counts itself.
      while let rows = try? watcher.query(isRunning), (try? rows.integer(0, 0)) == 1 { sched_yield() }
      cancel()
    }
    let error = try #require(throws: StoreError.self) { try store.execute("SELECT pg_sleep(54)") }
    guard case .failed(_, let reason) = error else { throw error }
    #expect(reason.contains("cancel"))
    #expect(try store.status().isEmpty)
  }

  @Test func `a statement that takes too long ends`() throws {
    var limits = PostgresLimits()
    limits.statementSeconds = 1
    let store = try places.openPostgres(limits: limits)
    let error = try #require(throws: StoreError.self) { try store.execute("SELECT pg_sleep(55)") }
    guard case .failed(_, let reason) = error else { throw error }
    #expect(reason.contains("timeout"))
    #expect(try store.status().isEmpty)
  }

  @Test func `candles may take longer to come than a statement may take`() throws {
    var limits = PostgresLimits()
    limits.statementSeconds = 1
    let store = try places.openPostgres(limits: limits)
    let clock = try PostgresConnection(PostgresLocation(places.postgres().address))
    let candles = Candle.random(3, seed: 1)
    var rest = candles[...]
    let counts = try store.write(to: .bitcoin, stamp: .archive(storedAt: 0)) {
      if rest.count < 3 { _ = try clock.query("SELECT pg_sleep(0.7)") }
      return rest.popFirst().map { [$0] }
    }
    #expect(counts.new == 3)
    #expect(try store.candles(.bitcoin).map(\.candle) == candles)
  }

  @Test func `a column of another type is an error and no crash`() throws {
    let store = try places.openPostgres()
    try store.write(Candle.random(10, seed: 1))
    try store.execute("ALTER TABLE store_meta ALTER COLUMN value DROP NOT NULL; INSERT INTO store_meta VALUES ('a')")
    #expect(throws: StoreError.self) { try store.meta("a") }
    try store.execute("DROP VIEW candles CASCADE; ALTER TABLE candle_versions ALTER COLUMN close TYPE TEXT")
    let error = try #require(throws: StoreError.self) { try places.openPostgres().candles(.bitcoin) }
    guard case .corrupt(_, let reason) = error else { throw error }
    #expect(reason.contains("close"))
    try store.execute("UPDATE series SET first_open = '294000-01-01', last_open = '-infinity'")
    _ = try? places.openPostgres().candles(.bitcoin)
  }

  // MARK: Settings of others

  @Test(arguments: ["America/New_York", "Asia/Kolkata", "Pacific/Chatham"])
  func `the time zone of the database means nothing`(zone: String) throws {
    let database = try places.postgres()
    try database.run("ALTER DATABASE \(database.name) SET TimeZone = '\(zone)'")
    try database.run("ALTER DATABASE \(database.name) SET DateStyle = 'German'")
    try database.run("ALTER DATABASE \(database.name) SET default_transaction_isolation = 'serializable'")
    let candles = Candle.random(3000, seed: 1, from: Timestamp("2024-03-09T20:00Z")!)
    try places.openPostgres().write(candles)
    let store = try places.openPostgres()
    #expect(try store.candles(.bitcoin).map(\.candle) == candles)
    try store.commit(.of([candles[7].changed], knownAt: time(90_000)))
    #expect(try store.revisions(.bitcoin, in: .all, asOf: .distantFuture).count == 2)
    #expect(
      try store.number("SELECT extract(epoch FROM min(open_time))::BIGINT FROM candles")
        == candles[0].openTime.milliseconds / 1000)
  }

  @Test func `two stores keep apart in two schemas of one database`() throws {
    let database = try places.postgres()
    try database.run("CREATE SCHEMA a; CREATE SCHEMA b")
    let stores = try ["a", "b"].map {
      try PostgresStore(PostgresLocation(database.address + "?options=-c%20search_path%3D\($0)"))
    }
    try stores[0].write(Candle.random(10, seed: 1))
    #expect(try stores[1].status().isEmpty)
    try stores[1].write(Candle.random(20, seed: 1))
    #expect(try stores[0].summary(of: .bitcoin)?.rows == 10)
  }

  /// Ends every other session of a database, and waits until they are gone: one that takes rows in notices it late.
  private static func cutAll(_ database: PostgresDatabase, waitingSeconds seconds: Int = 0) throws {
    try database.run(
      "SELECT pg_terminate_backend(pid, \(seconds * 1000)) FROM pg_stat_activity "
        + "WHERE datname = '\(database.name)' AND pid <> pg_backend_pid()")
  }
}

private final class Flag: Sendable {
  private let value = Atomic<Bool>(false)

  var isUp: Bool { value.load(ordering: .relaxed) }

  func raise() { value.store(true, ordering: .relaxed) }
}

/// A server of its own, because it is stopped.
struct PostgresRestartTests {
  @Test func `a server that restarts is found again with the batch kept`() throws {
    let server = try PostgresServer()
    let database = try server.makeDatabase()
    let store = try PostgresStore(PostgresLocation(database.address))
    let candles = Candle.random(3, seed: 1)
    try store.commit(.of([candles[0]], knownAt: .start))
    try server.stop()
    let batch = LiveBatch.of([candles[1]], knownAt: Timestamp.start.adding(minutes: 1))
    for _ in 0..<2 {
      let error = try #require(throws: StoreError.self) { try store.commit(batch) }
      guard case .unavailable = error else { throw error }
    }
    try server.start()
    #expect(try store.commit(batch) == [.new])
    #expect(try store.candles(.bitcoin).map(\.candle) == Array(candles[..<2]))
  }
}
