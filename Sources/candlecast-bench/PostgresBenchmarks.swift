import Glibc
import Ingestion
import Market
import Operations
import Platform
import Storage

/// The store in PostgreSQL, beside what the server itself takes for the same rows.
enum PostgresBenchmarks {
  static func all(_ address: String) throws -> [Benchmark] {
    let location = try PostgresLocation(address)
    return [
      Benchmark("postgres.copy_raw") { try PostgresRun(location, $1).copyRaw($0) },
      Benchmark("postgres.write_empty") { try PostgresRun(location, $1).writeEmpty($0) },
      Benchmark("postgres.write_same") { try PostgresRun(location, $1).writeAgain($0, revising: nil) },
      Benchmark("postgres.write_revised_tenth") { try PostgresRun(location, $1).writeAgain($0, revising: 10) },
      Benchmark("postgres.write_revised_all") { try PostgresRun(location, $1).writeAgain($0, revising: 1) },
      Benchmark("postgres.write_other_half") { try PostgresRun(location, $1).writeOtherHalf($0) },
      Benchmark("postgres.copy_out") { try PostgresRun(location, $1).copyOut($0) },
      Benchmark("postgres.read") { try PostgresRun(location, $1).read($0) },
      Benchmark("postgres.insert_commit_raw") { try PostgresRun(location, $1).insertRaw($0) },
      Benchmark("postgres.commit_latency") { name, path in try await PostgresRun(location, path).live(name) },
    ]
  }
}

/// Six hundred thousand real candles, those of a file one after the other, and a database to itself.
private struct PostgresRun {
  private static let count = 600_000
  private static let series = Series(.binance, .btcusdt)
  private static let stamp = WriteStamp(
    knownAt: Timestamp(minute: 29_000_000), provenance: .archive, availability: .assumed(delayMicroseconds: 2_000_000))
  private static let start = Timestamp(minute: 26_297_280)

  private let location: PostgresLocation
  private let candles: [Candle]

  init(_ location: PostgresLocation, _ path: String) throws {
    self.location = location
    let folder = try ScratchFolder()
    let store = try DuckDBStore(path: folder.path + "/candles.duckdb")
    _ = try CandleImport(series: Self.series, knownAt: Timestamp(minute: 0)).run(path, into: store)
    let file = try store.candles(Self.series).map(\.candle)
    candles = (0..<Self.count).map { index in
      var candle = file[index % file.count]
      candle.openTime = Self.start.adding(minutes: index)
      return candle
    }
  }

  /// A store without any rows or partitions.
  private func emptyStore() throws -> PostgresStore {
    let store = try PostgresStore(location)
    let connection = try PostgresConnection(location)
    let rows = try connection.query(
      "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'candle_versions'::regclass")
    for row in 0..<rows.count { try connection.script("DROP TABLE \(try rows.text(row, 0))") }
    try connection.script("TRUNCATE series; DROP TABLE IF EXISTS raw_candles; CHECKPOINT")
    return store
  }

  private func write(_ candles: some RandomAccessCollection<Candle>, to store: PostgresStore, later minutes: Int = 0)
    throws -> WriteCounts
  {
    var rest = candles[...]
    let stamp = WriteStamp(
      knownAt: Self.stamp.knownAt.adding(minutes: minutes), provenance: .archive, availability: Self.stamp.availability)
    return try store.write(to: Self.series, stamp: stamp) {
      guard !rest.isEmpty else { return nil }
      defer { rest = rest.dropFirst(2048) }
      return Array(rest.prefix(2048))
    }
  }

  /// The best of three, each after `prepare`.
  private func best(_ name: String, prepare: () throws -> PostgresStore, _ body: (PostgresStore) throws -> Void) throws
    -> Measurement
  {
    var best = Double.infinity
    for _ in 0..<3 {
      let store = try prepare()
      let begin = SystemClock.monotonicNanoseconds()
      try body(store)
      best = min(best, Double(SystemClock.monotonicNanoseconds() - begin) / 1e9)
    }
    return Measurement(name: name, unit: "s", n: Self.count, figures: .value(best))
  }

  // MARK: Writing

  /// What `COPY` takes for the same bytes into a table with the same indexes, which is in one piece.
  func copyRaw(_ name: String) throws -> Measurement {
    let store = try emptyStore()
    _ = try write(candles, to: store)
    let connection = try PostgresConnection(location)
    var pieces: [[UInt8]] = [[]]
    try connection.copyOut("COPY (SELECT * FROM candle_versions) TO STDOUT (FORMAT binary)") { bytes in
      if pieces[pieces.count - 1].count > 1 << 16 { pieces.append([]) }
      pieces[pieces.count - 1] += bytes
    }
    return try best(
      name,
      prepare: {
        let store = try emptyStore()
        try connection.script(
          """
          CREATE TABLE raw_candles (LIKE candle_versions INCLUDING DEFAULTS);
          ALTER TABLE raw_candles ADD PRIMARY KEY (series, open_time, revision);
          CREATE INDEX ON raw_candles (series, open_time) WHERE revision > 0
          """)
        return store
      }
    ) { _ in
      var next = pieces.makeIterator()
      try connection.copyIn("COPY raw_candles FROM STDIN (FORMAT binary)") { next.next() }
    }
  }

  /// Into an empty database, making the partitions included.
  func writeEmpty(_ name: String) throws -> Measurement {
    try best(name, prepare: emptyStore) { store in
      let new = try write(candles, to: store).new
      precondition(new == Self.count, "every candle is new")
    }
  }

  /// Over the same minutes, each `interval`th of them with another close.
  func writeAgain(_ name: String, revising interval: Int?) throws -> Measurement {
    let changed = candles.enumerated().map { index, candle in
      guard let interval, index % interval == 0 else { return candle }
      var other = candle
      other.volume = candle.volume.flatMap { Decimal8(units: $0.units + 1) }
      return other
    }
    return try best(
      name,
      prepare: {
        let store = try emptyStore()
        _ = try write(candles, to: store)
        return store
      }
    ) { store in
      let counts = try write(changed, to: store, later: 1)
      precondition(counts.revised == interval.map { Self.count / $0 } ?? 0, "as many are revised as differ")
    }
  }

  /// Every second minute is there already.
  func writeOtherHalf(_ name: String) throws -> Measurement {
    try best(
      name,
      prepare: {
        let store = try emptyStore()
        let half = candles.enumerated().compactMap { $0 % 2 == 0 ? $1 : nil }
        _ = try write(half, to: store)
        return store
      }
    ) { store in
      let new = try write(candles, to: store, later: 1).new
      precondition(new == Self.count / 2, "half of them are new")
    }
  }

  // MARK: Reading

  private func filledStore() throws -> PostgresStore {
    let store = try emptyStore()
    _ = try write(candles, to: store)
    return store
  }

  func copyOut(_ name: String) throws -> Measurement {
    let store = try filledStore()
    let connection = try PostgresConnection(location)
    return try best(name, prepare: { store }) { _ in
      var bytes = 0
      try connection.copyOut("COPY (SELECT * FROM candle_versions) TO STDOUT (FORMAT binary)") { bytes += $0.count }
      precondition(bytes > 100 * Self.count, "every row is there")
    }
  }

  func read(_ name: String) throws -> Measurement {
    let store = try filledStore()
    return try best(name, prepare: { store }) { store in
      var rows = 0
      try store.readCandles(Self.series, in: .all, asOf: .distantFuture) { rows += $0.count }
      precondition(rows == Self.count, "every candle is read")
    }
  }

  // MARK: Live

  /// One row and its commit, nothing else.
  func insertRaw(_ name: String) throws -> Measurement {
    _ = try emptyStore()
    let connection = try PostgresConnection(location)
    try connection.script("CREATE TABLE raw_candles (a BIGINT PRIMARY KEY, b NUMERIC(20,8), c NUMERIC(20,8))")
    return try Measurement.latency(name, count: 5000) { index in
      try connection.run(
        "INSERT INTO raw_candles VALUES ($1, $2, $3)",
        [.integer(SystemClock.monotonicNanoseconds()), .decimal(candles[index].open), .decimal(candles[index].close)])
    }
  }

  func live(_ name: String) async throws -> Measurement {
    _ = try emptyStore()
    let latencies = try await feed().latencies
    func milliseconds(_ share: Int) -> Double {
      Double(latencies[min(latencies.count - 1, latencies.count * share / 100)]) / 1000
    }
    return Measurement(
      name: name, unit: "ms", n: latencies.count, figures: .percentiles(p50: milliseconds(50), p99: milliseconds(99)))
  }

  private func feed() async throws -> LiveRun.Result {
    let location = location
    let writer = try LiveWriter { () throws(StoreError) in try PostgresStore(location) }
    return try await LiveRun.feed(writer, after: candles[candles.count - 1])
  }
}
