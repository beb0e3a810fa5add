import Cloud
import Compression
import FoundationEssentials
import Market
import Storage
import TestSupport
import Testing
import Transport

@testable import Archive

extension Series {
  fileprivate static let bitcoin = Series(.binance, .btcusdt)
}

/// What goes from a store into an archive, and out of it into another store.
@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct ArchiveRunTests {
  /// An archive, and what belongs to the test that uses it.
  private struct Place {
    let objects: any ObjectStore
    let folder: TemporaryFolder

    var work: String { folder.path }

    func store(_ name: String) throws -> DuckDBStore {
      try DuckDBStore(path: folder.file(name + ".duckdb"), mode: .create)
    }
  }

  enum Kind: CaseIterable { case folder, bucket }

  private static func place(_ kind: Kind) async throws -> Place {
    let folder = try TemporaryFolder()
    guard kind == .bucket else { return Place(objects: FolderObjectStore(folder.file("archive")), folder: folder) }
    let moto = try await MotoServer.shared.value
    let access = try CloudAccess(environment: [
      "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_ENDPOINT_URL": moto.url,
    ])
    let surroundings = Surroundings(
      now: { Timestamp("2026-01-01")! }, chance: { 0.5 }, pause: { _ in try Task.checkCancellation() })
    let client = S3Client(try HTTPClient(), access, surroundings, .init(partBytes: 5 << 20))
    let bucket = "archive-" + UUID().uuidString.lowercased()
    try await client.createBucket(bucket)
    return Place(
      objects: S3ObjectStore(client, try S3Location(url: "s3://\(bucket)/some/prefix")), folder: folder)
  }

  private static let start = Timestamp("2024-01-17")!

  /// Three days with holes, the middle of the second day's first.
  private static func candles(_ seed: UInt64) -> [Candle] {
    let offset = Int(RandomWalk.firstMinute) * -1
    return RandomWalk()(seed: seed, count: 3 * 1440).map { candle in
      var candle = candle
      candle.openTime = start.adding(minutes: Int(candle.openTime.minute) + offset)
      return candle
    }.enumerated().filter { $0.offset % 97 != 5 }.map(\.element)
  }

  private static func stamp(_ minute: Int = 0) -> WriteStamp {
    WriteStamp(
      knownAt: Timestamp("2025-01-01")!.adding(minutes: minute), provenance: .live, availability: .onArrival)
  }

  private static func write(_ candles: [Candle], to store: any Store, minute: Int = 0) throws {
    var rest: [Candle]? = candles
    _ = try store.write(to: .bitcoin, stamp: stamp(minute)) {
      defer { rest = nil }
      return rest
    }
  }

  private static func archive(
    _ source: any ArchiveSource, _ place: Place, days: Range<Int64>, codec: AvroCodec = .deflate
  ) async throws -> [ArchiveRun.Result] {
    let run = try await ArchiveRun(source, of: .bitcoin, into: place.objects, codec: codec, folder: place.work)
    var results: [ArchiveRun.Result] = []
    for day in days { results.append(try await run.keep(day: day)) }
    return results
  }

  private static func take(_ place: Place, into store: any Store) async throws -> [ArchiveReport] {
    let importer = ArchiveImport(series: .bitcoin, knownAt: Timestamp("2026-01-01")!)
    var reports: [ArchiveReport] = []
    for file in try await ArchiveListing(place.objects).files {
      let copy = try await LocalCopy.of(file.key, in: place.objects, folder: place.work, isChecked: file.isChecked)
      reports.append(try importer.run(copy.path, name: file.key, into: store))
    }
    return reports
  }

  private static let days = start.day..<start.day + 4

  // MARK: Candles

  @Test(arguments: Kind.allCases)
  func `candles come back as they were`(kind: Kind) async throws {
    let place = try await Self.place(kind)
    let (from, to) = (try place.store("from"), try place.store("to"))
    try Self.write(Self.candles(7), to: from)
    let written = try await Self.archive(CandleSource(from), place, days: Self.days)
    #expect(written.map(\.outcome) == [.written, .written, .written, .empty])

    let reports = try await Self.take(place, into: to)
    #expect(reports.map(\.series) == [.bitcoin, .bitcoin, .bitcoin])
    #expect(reports.map(\.counts.new) == written.dropLast().map(\.rows))
    let taken = try to.candles(.bitcoin)
    #expect(taken.map(\.candle) == Self.candles(7))
    #expect(taken.allSatisfy { $0.provenance == .archive && $0.isAvailabilityAssumed })

    let again = try await Self.take(place, into: to)
    #expect(again.allSatisfy { $0.counts.new == 0 && $0.counts.unchanged == $0.rows })
    // The other store's candles are the archive's, whenever and however they came there.
    let back = try await Self.archive(CandleSource(to), place, days: Self.days)
    #expect(back.map(\.outcome) == [.unchanged, .unchanged, .unchanged, .empty])
  }

  @Test(arguments: Kind.allCases)
  func `another day's rows are another revision and nothing is overwritten`(kind: Kind) async throws {
    let place = try await Self.place(kind)
    let (from, to) = (try place.store("from"), try place.store("to"))
    try Self.write(Self.candles(7), to: from)
    _ = try await Self.archive(CandleSource(from), place, days: Self.days)
    let before = try await Self.contents(place)
    var changed = Self.candles(7)[2000]
    changed.high = Decimal8(units: changed.high.units + 1)!
    try Self.write([changed], to: from, minute: 1)

    let results = try await Self.archive(CandleSource(from), place, days: Self.days)
    #expect(results.map(\.outcome) == [.unchanged, .revised, .unchanged, .empty])
    let after = try await Self.contents(place)
    #expect(after.count == before.count + 2)
    #expect(before.allSatisfy { after[$0.key] == $0.value })

    let listing = try await ArchiveListing(place.objects)
    #expect(listing.files.count == 3 && listing.older == 1)
    _ = try await Self.take(place, into: to)
    #expect(try to.candles(.bitcoin).map(\.candle) == from.candles(.bitcoin).map(\.candle))
  }

  private static func contents(_ place: Place) async throws -> [String: [UInt8]] {
    var contents: [String: [UInt8]] = [:]
    for entry in try await place.objects.list("") {
      contents[entry.key] = try await place.objects.bytes(entry.key, limit: 1 << 24)
    }
    return contents
  }

  @Test func `the same rows in another packing are the same`() async throws {
    let place = try await Self.place(.folder)
    let from = try place.store("from")
    try Self.write(Self.candles(7), to: from)
    _ = try await Self.archive(CandleSource(from), place, days: Self.days)
    let again = try await Self.archive(CandleSource(from), place, days: Self.days, codec: .zstandard)
    #expect(again.map(\.outcome) == [.unchanged, .unchanged, .unchanged, .empty])
  }

  @Test func `fastavro reads what we archive`() async throws {
    let place = try await Self.place(.folder)
    let from = try place.store("from")
    try Self.write(Self.candles(7), to: from)
    let written = try await Self.archive(CandleSource(from), place, days: Self.days)
    let lines = try AvroPeer.run(["dump", written[0].object])
    #expect(lines.count == written[0].rows)
    let first = try #require(lines.first)
    let candle = Self.candles(7)[0]
    #expect(first.contains(#""symbol": "BTCUSDT""#) && first.contains(#""close": "\#(candle.close)""#))
    #expect(first.contains(#""open_time": \#(candle.openTime.microseconds)"#))
  }

  // MARK: Interruptions and damage

  @Test(arguments: Kind.allCases)
  func `a damaged object is refused`(kind: Kind) async throws {
    let place = try await Self.place(kind)
    let from = try place.store("from")
    try Self.write(Self.candles(7), to: from)
    let written = try await Self.archive(
      CandleSource(from), place, days: Self.days.lowerBound..<Self.days.lowerBound + 1)
    let key = try #require(try await ArchiveListing(place.objects).files.first).key
    var bytes = try await place.objects.bytes(key, limit: 1 << 24)
    #expect(bytes.count == written[0].bytes)
    bytes[bytes.count / 2] ^= 1
    let damaged = "candles/symbol=BTCUSDT/date=2024-01-17/coinbase.r0.avro"
    let path = try place.folder.write(bytes, to: "damaged")
    #expect(try await place.objects.create(damaged, from: path, sha256: String(repeating: "0", count: 64)))

    await #expect(throws: ArchiveError.noChecksum(object: place.objects.name(damaged))) {
      try await LocalCopy.of(damaged, in: place.objects, folder: place.work)
    }
    let sum = try place.folder.write(ArchiveChecksum.text(String(repeating: "0", count: 64), of: damaged), to: "sum")
    #expect(
      try await place.objects.create(
        damaged + ArchiveKey.checksumEnding, from: sum, sha256: ArchiveChecksum.digest(of: sum)))
    await #expect(throws: ArchiveError.self) {
      try await LocalCopy.of(damaged, in: place.objects, folder: place.work)
    }
  }

  @Test func `an interrupted day is completed`() async throws {
    let place = try await Self.place(.folder)
    let from = try place.store("from")
    try Self.write(Self.candles(7), to: from)
    let written = try await Self.archive(CandleSource(from), place, days: Self.days)
    try FileManager.default.removeItem(atPath: written[1].object + ArchiveKey.checksumEnding)
    let again = try await Self.archive(CandleSource(from), place, days: Self.days)
    #expect(again.map(\.outcome) == [.unchanged, .unchanged, .unchanged, .empty])
    let sum = try String(contentsOfFile: written[1].object + ArchiveKey.checksumEnding, encoding: .utf8)
    #expect(sum == ArchiveChecksum.text(try ArchiveChecksum.digest(of: written[1].object), of: written[1].object))
  }

  /// Of more than two parts of an upload.
  @Test(arguments: Kind.allCases)
  func `a large file goes and comes in pieces`(kind: Kind) async throws {
    let place = try await Self.place(kind)
    var random = SplitMix64(seed: 9)
    let bytes = (0..<(12 << 20) / 8).flatMap { _ in withUnsafeBytes(of: random.next()) { Array($0) } }
    let path = try place.folder.write(bytes, to: "large")
    let sha256 = try ArchiveChecksum.digest(of: path)
    #expect(try await place.objects.create("x/large", from: path, sha256: sha256))
    #expect(try await place.objects.create("x/large", from: path, sha256: sha256) == false)
    #expect(try await place.objects.list("x") == [ObjectEntry(key: "x/large", bytes: bytes.count)])
    var (found, largest): ([UInt8], Int) = ([], 0)
    try await place.objects.read("x/large") { piece throws(ObjectError) in
      found += piece
      largest = max(largest, piece.count)
    }
    #expect(found == bytes && largest <= 5 << 20)
  }

  @Test func `of two writers of one day one wins`() async throws {
    let place = try await Self.place(.folder)
    let path = try place.folder.write("one", to: "one")
    let other = try place.folder.write("other", to: "other")
    #expect(try await place.objects.create("a/b", from: path, sha256: ""))
    #expect(try await place.objects.create("a/b", from: other, sha256: "") == false)
    #expect(try await place.objects.bytes("a/b", limit: 10) == Array("one".utf8))
    #expect(try await place.objects.list("a/").map(\.key) == ["a/b"])
  }

  // MARK: Trades and predictions

  /// With equal rows of one time, which are several trades.
  private static func trades(_ seed: UInt64) -> [MarketDataRecord] {
    var random = SplitMix64(seed: seed)
    var time = start
    return (0..<3000).map { index in
      time = time.adding(microseconds: Int64(random.next() % 3) * 40_000_000)
      let isQuote = index % 10 == 0
      let price = Decimal8(units: 4_200_000_000_000 + Int128(random.next() % 3))!
      return MarketDataRecord(
        row: MarketDataRow(
          series: .bitcoin, time: time, price: price,
          volume: isQuote ? nil : Decimal8(units: 1 + Int128(random.next() % 2)),
          bidPrice: isQuote ? Decimal8(units: price.units - 1) : nil,
          askPrice: isQuote ? Decimal8(units: price.units + 1) : nil, source: "stream",
          dataType: isQuote ? "quote" : "trade"),
        knownAt: time.adding(microseconds: Int64(random.next() % 900) * 1000))
    }
  }

  private static func serverStore() throws -> any Store {
    try PostgresStore(PostgresLocation(PostgresServer.shared().makeSchema()))
  }

  private static func stored(_ store: any MarketDataLog) throws -> [MarketDataRecord] {
    var records: [MarketDataRecord] = []
    try store.readMarketData(.bitcoin, in: .all) { records += $0 }
    return records
  }

  @Test(arguments: Soak.seedsOfStores(2), [false, true])
  func `trades come back as they were, whatever was there`(seed: UInt64, areOnServer: Bool) async throws {
    let place = try await Self.place(.folder)
    let stores = try ["from", "to"].map { areOnServer ? try Self.serverStore() : try place.store($0) }
    let (from, to) = (stores[0], stores[1])
    let trades = Self.trades(seed)
    try from.commit(
      trades.map { record in
        var batch = LiveBatch(knownAt: record.knownAt)
        batch.marketData = [record.row]
        return batch
      })
    #expect(try Self.stored(from) == trades, "seed \(seed)")
    let written = try await Self.archive(MarketDataSource(from), place, days: Self.days)
    #expect(written.map(\.rows).reduce(0, +) == trades.count, "seed \(seed)")
    // A part of them is there.
    for record in trades where record.row.time.minute % 3 == 0 {
      var batch = LiveBatch(knownAt: record.knownAt)
      batch.marketData = [record.row]
      try to.commit(batch)
    }
    _ = try await Self.take(place, into: to)
    func sorted(_ records: [MarketDataRecord]) -> [String] { records.map { "\($0)" }.sorted() }
    #expect(sorted(try Self.stored(to)) == sorted(trades), "seed \(seed)")
    let again = try await Self.take(place, into: to)
    #expect(again.allSatisfy { $0.counts.new == 0 }, "seed \(seed)")
  }

  @Test func `a collector's plain numbers are taken as exact decimals`() async throws {
    let place = try await Self.place(.folder)
    let to = try place.store("to")
    let importer = ArchiveImport(series: .bitcoin, knownAt: Timestamp("2026-01-01")!)
    let report = try importer.run(try fixture("seed.avro"), name: "seed.avro", into: to)
    #expect(report.dataset == .trades && report.counts.new == 5)
    let rows = try Self.stored(to)
    #expect(rows.map(\.row.price.description).prefix(2) == ["45230.50000000", "45230.60000000"])
    #expect(rows.first?.row.volume == nil && rows.last?.row.volume?.description == "123.45000000")
    #expect(rows.first?.knownAt == Timestamp(milliseconds: 1_638_360_001_000))
  }

  @Test func `an older file of candles is taken`() async throws {
    let place = try await Self.place(.folder)
    let to = try place.store("to")
    let importer = ArchiveImport(series: .bitcoin, knownAt: Timestamp("2026-01-01")!)
    let report = try importer.run(try fixture("older.avro"), name: "older.avro", into: to)
    #expect(report.dataset == .candles && report.counts.new == 3)
    let first = try #require(try to.candles(.bitcoin).first?.candle)
    #expect(first.openTime == Self.start && first.open.description == "42000.10000000")
    #expect(first.volume?.description == "1.50000000" && first.trades == 10 && first.quoteVolume == nil)
  }

  @Test func `predictions come back as they were`() async throws {
    let place = try await Self.place(.folder)
    let (from, to) = (try place.store("from"), try place.store("to"))
    var random = SplitMix64(seed: 3)
    let predictions = (0..<2000).map { index in
      let isAbstention = index % 7 == 0
      let change = index % 2 == 0
      return Prediction(
        time: Self.start.adding(minutes: index), availableAt: Self.start.adding(minutes: index).adding(microseconds: 7),
        view: MarketView(price: .bitcoin), target: change ? .change(horizonMinutes: 5) : .window(lengthMinutes: 15),
        probabilityUp: isAbstention || change ? nil : Double(random.next() % 1000) / 999,
        changePercent: change ? Double(random.next() % 1000) / 77 - 5 : nil, confidence: isAbstention ? nil : 1.0 / 3,
        modelName: .ensemble, version: "v1", featureSetHash: "abc", inputHash: random.next(),
        state: isAbstention ? "abstain:late" : "fresh", reason: "because, of “it”", mode: .live,
        latencyNanoseconds: Int64(random.next() % 1_000_000), arm: Prediction.Arm.allCases[index % 3])
    }
    #expect(try from.insert(predictions) == predictions.count)
    _ = try await Self.archive(PredictionSource(from), place, days: Self.days)
    let reports = try await Self.take(place, into: to)
    #expect(reports.map(\.counts.new).reduce(0, +) == predictions.count)
    #expect(try to.predictions() == from.predictions())
    #expect(try await Self.take(place, into: to).allSatisfy { $0.counts.new == 0 })
  }

  // MARK: Names

  @Test func `names say symbol, day, venue and revision`() throws {
    let key = ArchiveKey(.trades, Series("chainlink:BTC/USD")!, day: Self.start.day, revision: 12)
    #expect(key.path == "trades/symbol=BTC%2FUSD/date=2024-01-17/chainlink.r12.avro")
    let name = try #require(ArchiveName("some/" + key.path))
    #expect(name.venue == "chainlink" && name.revision == 12)
    for other in [
      "binance.avro", "binance.r01.avro", "binance.r-1.avro", ".r0.avro", "binance.r0.avro.sha256", "b.x0.avro",
    ] {
      #expect(ArchiveName("a/" + other) == nil, "\(other)")
    }
  }

  @Test(arguments: [
    ("s3://bucket/prefix/", "s3://bucket/prefix"), ("s3://bucket", "s3://bucket"), ("file:///tmp/a", "/tmp/a"),
    ("file:a/b", "a/b"), ("/", "/"), ("a/b/", "a/b"),
  ])
  func `places are named as users name them`(text: String, shown: String) {
    #expect(ObjectLocation(text)?.description == shown)
  }

  @Test(arguments: ["", "s3://", "gs://bucket", "file:", "http://x/y"])
  func `other places are refused`(text: String) { #expect(ObjectLocation(text) == nil) }

  // MARK: Bad rows

  @Test func `a bad candle ends the file or is left out and listed`() throws {
    let folder = try TemporaryFolder()
    let store = try DuckDBStore(path: folder.file("s.duckdb"), mode: .create)
    let path = folder.file("bad.avro")
    let writer = try AvroWriter(try OutputFile(path: path), name: path, schema: CandleArchive.schema, codec: .null)
    var candles = Array(Self.candles(1).prefix(5))
    candles[2].low = Decimal8(units: candles[2].high.units + 1)!
    candles[4].openTime = candles[1].openTime
    for candle in candles { try writer.append(CandleArchive.value(candle, .bitcoin)) }
    try writer.finish()
    var importer = ArchiveImport(series: .bitcoin, knownAt: Timestamp("2026-01-01")!)
    #expect(throws: ArchiveError.self) { try importer.run(path, name: "bad.avro", into: store) }
    #expect(try store.candles(.bitcoin).isEmpty)
    importer.skipsBadRows = true
    let report = try importer.run(path, name: "bad.avro", into: store)
    #expect(report.skipped == 2 && report.counts.new == 3 && report.badRows.count == 2)
  }
}
