import Ingestion
import Market
import Platform
import Storage

/// Six hundred thousand real candles, those of a file one after the other, and a database to itself.
struct PostgresRun: Sendable {
  static let count = 600_000
  private static let series = Series(.binance, .btcusdt)
  private static let stamp = WriteStamp(
    knownAt: Timestamp(minute: 29_000_000), provenance: .archive, availability: .assumed(delayMicroseconds: 2_000_000))
  private static let start = Timestamp(minute: 26_297_280)

  let address: String
  private let location: PostgresLocation
  private let candles: [Candle]
  /// The rows of all of them, as `COPY` takes them.
  private let rows: [[UInt8]]

  init(_ address: String, _ path: String) throws {
    let location = try PostgresLocation(address)
    (self.address, self.location) = (address, location)
    let folder = try ScratchFolder()
    let store = try DuckDBStore(path: folder.path + "/candles.duckdb")
    _ = try CandleImport(series: Self.series, knownAt: Timestamp(minute: 0)).run(path, into: store)
    let file = try store.candles(Self.series).map(\.candle)
    candles = (0..<Self.count).map { index in
      var candle = file[index % file.count]
      candle.openTime = Self.start.adding(minutes: index)
      return candle
    }
    _ = try Self.write(candles, to: try Self.emptyStore(location))
    rows = try Self.copied(location)
  }

  private static func copied(_ location: PostgresLocation) throws -> [[UInt8]] {
    var pieces: [[UInt8]] = [[]]
    try PostgresConnection(location).copyOut(copyOut) { bytes in
      if pieces[pieces.count - 1].count > 1 << 16 { pieces.append([]) }
      pieces[pieces.count - 1] += bytes
    }
    return pieces
  }

  private static let copyOut = "COPY (SELECT * FROM candle_versions) TO STDOUT (FORMAT binary)"

  // MARK: Preparing

  /// A store without any rows or partitions.
  func emptyStore() throws -> PostgresStore { try Self.emptyStore(location) }

  private static func emptyStore(_ location: PostgresLocation) throws -> PostgresStore {
    let store = try PostgresStore(location)
    let connection = try PostgresConnection(location)
    let rows = try connection.query(
      "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'candle_versions'::regclass")
    for row in 0..<rows.count { try connection.script("DROP TABLE \(try rows.text(row, 0))") }
    try connection.script("TRUNCATE series; DROP TABLE IF EXISTS raw_candles; CHECKPOINT")
    return store
  }

  private func store(with candles: [Candle]) throws -> PostgresStore {
    let store = try emptyStore()
    _ = try Self.write(candles, to: store)
    try PostgresConnection(location).script("CHECKPOINT")
    return store
  }

  private static func write(_ candles: [Candle], to store: PostgresStore, later minutes: Int = 0) throws -> WriteCounts
  {
    var rest = candles[...]
    let stamp = WriteStamp(
      knownAt: Self.stamp.knownAt.adding(minutes: minutes), provenance: .archive, availability: Self.stamp.availability)
    return try store.write(to: series, stamp: stamp) {
      guard !rest.isEmpty else { return nil }
      defer { rest = rest.dropFirst(2048) }
      return Array(rest.prefix(2048))
    }
  }

  private static func timed(_ body: () throws -> Void) rethrows -> Double {
    let begin = SystemClock.monotonicNanoseconds()
    try body()
    return Double(SystemClock.monotonicNanoseconds() - begin) / 1e9
  }

  // MARK: Works

  func seconds(_ work: PostgresWork) throws -> Double {
    switch work {
    case .copyIn: try copyIn()
    case .copyIntoPartitions: try copyIntoPartitions()
    case .writeEmpty: try writeEmpty()
    case .writeSame: try writeAgain(revising: nil)
    case .writeRevisedTenth: try writeAgain(revising: 10)
    case .writeRevisedAll: try writeAgain(revising: 1)
    case .writeOtherHalf: try writeOtherHalf()
    case .copyOut: try copyOut()
    case .read: try read()
    }
  }

  private func copyIn() throws -> Double {
    _ = try emptyStore()
    let connection = try PostgresConnection(location)
    try connection.script(
      """
      CREATE TABLE raw_candles (LIKE candle_versions INCLUDING DEFAULTS);
      ALTER TABLE raw_candles ADD PRIMARY KEY (series, open_time, revision);
      CREATE INDEX ON raw_candles (series, open_time) WHERE revision > 0
      """)
    return try copyIn(to: "raw_candles", connection)
  }

  private func copyIntoPartitions() throws -> Double {
    _ = try store(with: candles)
    let connection = try PostgresConnection(location)
    try connection.script("TRUNCATE candle_versions; CHECKPOINT")
    return try copyIn(to: "candle_versions", connection)
  }

  private func copyIn(to table: String, _ connection: PostgresConnection) throws -> Double {
    try Self.timed {
      var next = rows.makeIterator()
      try connection.copyIn("COPY \(table) FROM STDIN (FORMAT binary)") { next.next() }
    }
  }

  private func writeEmpty() throws -> Double {
    let store = try emptyStore()
    return try Self.timed {
      let new = try Self.write(candles, to: store).new
      precondition(new == Self.count, "every candle is new")
    }
  }

  private func writeAgain(revising interval: Int?) throws -> Double {
    let changed = candles.enumerated().map { index, candle in
      guard let interval, index % interval == 0 else { return candle }
      var other = candle
      other.volume = candle.volume.flatMap { Decimal8(units: $0.units + 1) }
      return other
    }
    let store = try store(with: candles)
    return try Self.timed {
      let counts = try Self.write(changed, to: store, later: 1)
      precondition(counts.revised == interval.map { Self.count / $0 } ?? 0, "as many are revised as differ")
    }
  }

  private func writeOtherHalf() throws -> Double {
    let store = try store(with: candles.enumerated().compactMap { $0 % 2 == 0 ? $1 : nil })
    return try Self.timed {
      let new = try Self.write(candles, to: store, later: 1).new
      precondition(new == Self.count / 2, "half of them are new")
    }
  }

  private func copyOut() throws -> Double {
    _ = try store(with: candles)
    let connection = try PostgresConnection(location)
    return try Self.timed {
      var bytes = 0
      try connection.copyOut(Self.copyOut) { bytes += $0.count }
      precondition(bytes > 100 * Self.count, "every row is there")
    }
  }

  private func read() throws -> Double {
    let store = try store(with: candles)
    return try Self.timed {
      var rows = 0
      try store.readCandles(Self.series, in: .all, asOf: .distantFuture) { rows += $0.count }
      precondition(rows == Self.count, "every candle is read")
    }
  }

  // MARK: Live

  /// One row and its commit, nothing else, one after the other.
  func insertRaw(_ name: String) throws -> Measurement {
    let insert = try rawInsertion()
    return try Measurement.latency(name, count: 5000) { _ in try insert() }
  }

  /// The same as often as the feed of `live` has candles, from the moment that one is due.
  func insertPaced(_ name: String) throws -> Measurement {
    let insert = try rawInsertion()
    var latencies: [Int64] = []
    try LiveRun.pace { _, due in
      try insert()
      latencies.append((SystemClock.wallNanoseconds() - due) / 1000)
    }
    return Measurement.milliseconds(name, latencies)
  }

  private func rawInsertion() throws -> () throws -> Void {
    _ = try emptyStore()
    let connection = try PostgresConnection(location)
    try connection.script("CREATE TABLE raw_candles (a BIGINT PRIMARY KEY, b NUMERIC(20,8), c NUMERIC(20,8))")
    let candle = candles[0]
    return {
      try connection.run(
        "INSERT INTO raw_candles VALUES ($1, $2, $3)",
        [.integer(SystemClock.monotonicNanoseconds()), .decimal(candle.open), .decimal(candle.close)])
    }
  }

  func live(_ name: String) async throws -> Measurement {
    _ = try emptyStore()
    let location = location
    let writer = try LiveWriter { () throws(StoreError) in try PostgresStore(location) }
    return Measurement.milliseconds(name, try await LiveRun.feed(writer, after: candles[candles.count - 1]).latencies)
  }
}
