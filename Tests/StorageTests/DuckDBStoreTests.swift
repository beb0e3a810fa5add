import FoundationEssentials
import Glibc
import Market
import TestSupport
import Testing

@testable import Storage

struct DuckDBStoreTests {
  private let folder: TemporaryFolder
  private var path: String { folder.file("store.duckdb") }

  init() throws { folder = try TemporaryFolder() }

  @Test func `a store that is not there is absent unless it may be made`() throws {
    let path = path
    for mode in [StoreLocation.Access.existing, .readOnly] {
      #expect(throws: StoreError.absent(path: path)) { try DuckDBStore(path: path, mode: mode) }
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func `a store is open once in a process`() throws {
    let path = path
    let store = try DuckDBStore(path: path)
    #expect(throws: StoreError.locked(path: path, holder: "this process")) { try DuckDBStore(path: path) }
    withExtendedLifetime(store) {}
    _ = consume store
    _ = try DuckDBStore(path: path)
  }

  @Test func `a lock names the program that holds it`() async throws {
    let path = path
    let store = try DuckDBStore(path: path)
    await #expect(processExitsWith: .exitCode(4)) { [path = path as String] in
      do throws(StoreError) {
        _ = try DuckDBStore(path: path)
      } catch {
        guard case .locked(path, let holder) = error, holder.contains("(PID \(getppid()))") else { throw error }
        exit(error.exitCode)
      }
    }
    withExtendedLifetime(store) {}
  }

  @Test func `a newer schema is refused`() throws {
    let path = path
    do {
      let store = try DuckDBStore(path: path)
      try store.session.run("UPDATE store_meta SET value = '99' WHERE key = 'schema_version'")
    }
    #expect(throws: StoreError.newerSchema(path: path, reason: "schema 99, known up to \(StoreSchema.version)")) {
      try DuckDBStore(path: path)
    }
  }

  @Test func `a database of something else is left alone`() throws {
    let path = path
    try DuckDBSession(file: path, name: path).run("CREATE TABLE mine (a INTEGER)")
    #expect(throws: StoreError.foreign(path: path)) { try DuckDBStore(path: path) }
  }

  @Test func `a file that is no database is corrupt`() throws {
    let path = path
    try Data(repeating: 65, count: 20_000).write(to: URL(fileURLWithPath: path))
    let error = try #require(throws: StoreError.self) { try DuckDBStore(path: path) }
    #expect(error.exitCode == 3)
    #expect("\(error)".contains(path))
  }

  @Test(arguments: [4096, 8192])
  func `a file that a process was killed over while it made it is made anew`(bytes: Int) throws {
    let path = path
    _ = try DuckDBStore(path: path)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    try whole.prefix(bytes).write(to: URL(fileURLWithPath: path))
    #expect(throws: StoreError.self) { try DuckDBStore(path: path, mode: .existing) }
    try DuckDBStore(path: path).write(Candle.random(10, seed: 1))
    #expect(try DuckDBStore(path: path, mode: .existing).candles(.bitcoin).count == 10)
  }

  @Test(arguments: 0..<12)
  func `a store with changed bytes is an error or reads`(seed: UInt64) throws {
    let path = path
    try DuckDBStore(path: path).write(Candle.random(3000, seed: seed))
    var bytes = try Array(Data(contentsOf: URL(fileURLWithPath: path)))
    var random = SplitMix64(seed: seed)
    for _ in 0..<20 { bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 0xFF }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    do {
      _ = try DuckDBStore(path: path, mode: .existing).candles(.bitcoin)
    } catch let error as StoreError {
      #expect([1, 3, 4].contains(error.exitCode))
    }
  }

  @Test func `no room on the disk is an error and keeps nothing of the change`() async throws {
    let path = path
    let candles = Candle.random(200, seed: 1)
    try DuckDBStore(path: path).write(candles)
    await #expect(processExitsWith: .exitCode(17)) { [path = path as String] in
      signal(SIGXFSZ, SIG_IGN)
      let store = try DuckDBStore(path: path)
      var limit = rlimit(rlim_cur: 2_000_000, rlim_max: 2_000_000)
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      do {
        try store.write(Candle.random(200_000, seed: 2), to: .ether)
      } catch StoreError.diskFull {
        exit(17)
      }
    }
    let store = try DuckDBStore(path: path, mode: .existing)
    #expect(try store.status().map(\.series) == [.bitcoin])
    #expect(try store.candles(.bitcoin).map(\.candle) == candles)
  }

  @Test func `the printed queries of the tables run`() throws {
    let store = try DuckDBStore(path: path)
    _ = try store.insert(PredictionLogTests.predictions(10))
    try store.write(Candle.random(10, seed: 1))
    try store.write([Candle.random(10, seed: 1)[3].changed], .archive(storedAt: 3))
    let queries = [
      """
      SELECT time, direction, confidence, model_name
      FROM predictions
      WHERE time > NOW() - INTERVAL '1 hour'
      ORDER BY time DESC;
      """,
      """
      SELECT
          direction,
          COUNT(*) as count,
          AVG(confidence) as avg_confidence
      FROM predictions
      WHERE time > NOW() - INTERVAL '24 hours'
      GROUP BY direction;
      """,
      "SELECT * FROM training_metadata ORDER BY trained_at DESC LIMIT 5;",
      "SELECT COUNT(*) FROM ohlcv_raw WHERE time > NOW() - INTERVAL '1 hour';",
    ]
    for query in queries { try store.session.run(query) }
    #expect(try store.session.query("SELECT count(*) FROM candles").number() == 10)
    #expect(try store.session.query("SELECT count(*) FROM candles WHERE revision = 1").number() == 1)
    #expect(try store.session.query("SELECT count(*) FROM ohlcv_raw WHERE source = 'binance'").number() == 10)
  }

  @Test func `a wide table keeps its numbers and turns NaN into null`() throws {
    let names = ["plain", "with \"quotes\"", "select"]
    for ending in ["parquet", "csv"] {
      let path = folder.file("it's." + ending)
      let writer = try TableWriter(path: path, columns: names)
      for row in 0..<5000 {
        try writer.append(Timestamp.start.adding(minutes: row), [0.1, row < 10 ? .nan : Double(row) / 3, -0.0].span)
      }
      #expect(try writer.finish() == 5000)
      let session = try DuckDBSession(file: nil, name: "memory")
      let read = ending == "csv" ? "read_csv(?)" : "read_parquet(?)"
      func count(_ condition: String) throws -> Int64? {
        try session.query("SELECT count(*) FROM \(read) WHERE \(condition)", [.text(path)]).number()
      }
      #expect(try count("\"with \"\"quotes\"\"\" IS NULL") == 10)
      #expect(try count("\"with \"\"quotes\"\"\" = ((open_time_ms - 1709251200000) // 60000) / 3.0::DOUBLE") == 4990)
      #expect(try count("plain = 0.1::DOUBLE AND \"select\" = 0") == 5000)
    }
    #expect(throws: StoreError.self) { try TableWriter(path: folder.file("table.xlsx"), columns: names) }
  }

  @Test func `an unfinished table leaves no file`() throws {
    let writer = try TableWriter(path: folder.file("t.csv"), columns: ["a"])
    try writer.append(.start, [1].span)
    _ = consume writer
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test func `predictions are exported as the table has them`() throws {
    let store = try DuckDBStore(path: path)
    _ = try store.insert(PredictionLogTests.predictions(20))
    let out = folder.file("predictions.csv")
    #expect(try store.exportPredictions(PredictionFilter(model: .ensemble), to: out) == 20)
    let text = try String(decoding: Data(contentsOf: URL(fileURLWithPath: out)), as: UTF8.self)
    #expect(text.hasPrefix("time,direction,confidence,model_name,"))
  }
}

struct DuckDBLocationTests {
  @Test func `an explicit path is the only candidate`() {
    let found = DuckDBLocation.candidates { $0 == "CANDLECAST_DUCKDB" ? "/opt/lib/duck.so" : "/elsewhere" }
    #expect(found == [DuckDBLocation(path: "/opt/lib/duck.so", helper: "/opt/lib/libpython_stub.so")])
  }

  @Test(arguments: [
    (["CANDLECAST_CACHE": "/c", "XDG_CACHE_HOME": "/x", "HOME": "/h"], "/c/duckdb/libduckdb.so"),
    (["XDG_CACHE_HOME": "/x", "HOME": "/h"], "/x/candlecast/duckdb/libduckdb.so"),
    (["HOME": "/h"], "/h/.cache/candlecast/duckdb/libduckdb.so"),
  ])
  func `the system's library comes before the one in the cache`(environment: [String: String], cached: String) {
    #expect(DuckDBLocation.candidates { environment[$0] }.map(\.path) == ["libduckdb.so", cached])
  }

  @Test func `a missing library says what to do`() {
    let error = StoreError.libraryMissing(lookedAt: ["a", "b"])
    #expect("\(error)".contains("make setup"))
    #expect(error.exitCode == 4)
  }
}
