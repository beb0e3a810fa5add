import FoundationEssentials
import Market
import TestSupport
import Testing

@testable import Storage

/// Candles that follow what is written down of their series.
struct SeriesTailTests {
  private let folder: TemporaryFolder
  private var path: String { folder.file("store.duckdb") }

  init() throws { folder = try TemporaryFolder() }

  /// What a process that is killed now leaves behind.
  private func copy(_ path: String, to name: String) throws -> String {
    let copy = folder.file(name)
    for ending in ["", ".wal"] where FileManager.default.fileExists(atPath: path + ending) {
      try FileManager.default.copyItem(atPath: path + ending, toPath: copy + ending)
    }
    return copy
  }

  private func batch(_ minutes: Range<Int>, _ series: Series = .bitcoin) -> LiveBatch {
    var batch = LiveBatch.of([], knownAt: Timestamp.start.adding(minutes: minutes.upperBound))
    for minute in minutes {
      let candle = Candle.tail(minute)
      batch.candles.append(.live(candle, series))
      let number = candle.openTime.minute
      batch.ledger.append(LedgerRange(series, .minutes, number..<number + 1, .live, since: candle.closeTime))
    }
    return batch
  }

  private static func minutes(_ range: Range<Int64>) -> Range<Int64> {
    let start = Timestamp.start.minute
    return start + range.lowerBound..<start + range.upperBound
  }

  private func expect(
    _ store: any Store, minutes: Int64, _ series: Series = .bitcoin, _ location: SourceLocation = #_sourceLocation
  ) throws {
    let last = Timestamp.start.adding(minutes: Int(minutes) - 1)
    let summary = SeriesSummary(
      series: series, rows: Int(minutes), firstOpenTime: .start, lastOpenTime: last, revisions: 0)
    #expect(try store.summary(of: series) == summary, sourceLocation: location)
    #expect(try store.status() == [summary], sourceLocation: location)
    #expect(try store.candles(series).count == Int(minutes), sourceLocation: location)
    let run = LedgerRange(
      series, .minutes, Self.minutes(0..<minutes), .live, since: Timestamp.start.adding(minutes: 1))
    #expect(try store.ledger(series, .minutes) == [run], sourceLocation: location)
    #expect(try store.ledgerSummaries().map(\.live) == [minutes], sourceLocation: location)
  }

  private func written(_ store: any Store) throws -> Int64? { try store.number("SELECT row_count FROM series") }

  private func writtenEnd(_ store: any Store) throws -> Int64? {
    try store.number("SELECT max(range_to) FROM gap_ledger")
  }

  @Test func `a candle that follows all others of its series is the only row that is written`() throws {
    let store = try DuckDBStore(path: path)
    for minute in 0..<20 { try store.commit(batch(minute..<minute + 1)) }
    #expect(try written(store) == 1)
    #expect(try writtenEnd(store) == Self.minutes(0..<1).upperBound)
    try expect(store, minutes: 20)
    #expect(try store.checkpoint())
    #expect(try written(store) == 20)
    #expect(try writtenEnd(store) == Self.minutes(0..<20).upperBound)
    try expect(store, minutes: 20)
  }

  @Test func `a store that is killed after any commit is whole when it is opened again`() throws {
    let store = try DuckDBStore(path: path)
    for minute in 0..<6 {
      try store.commit(batch(minute * 3..<minute * 3 + 3))
      let copy = try copy(path, to: "copy-\(minute).duckdb")
      do {
        let reader = try DuckDBStore(path: copy, mode: .readOnly)
        try expect(reader, minutes: Int64(minute) * 3 + 3)
        #expect(try StoreCheck.run(reader.snapshot()).findings == [])
      }
      let opened = try DuckDBStore(path: copy, mode: .existing)
      #expect(try written(opened) == Int64(minute) * 3 + 3)
      try expect(opened, minutes: Int64(minute) * 3 + 3)
      #expect(try StoreCheck.run(opened.snapshot()).findings == [])
    }
  }

  @Test func `a store that is closed says all in its tables`() throws {
    do {
      let store = try DuckDBStore(path: path)
      for minute in 0..<5 { try store.commit(batch(minute..<minute + 1)) }
    }
    let session = try DuckDBSession(file: path, name: path, access: .readOnly)
    #expect(try session.query("SELECT row_count FROM series").number() == 5)
    #expect(try session.query("SELECT range_to FROM gap_ledger").number() == Self.minutes(0..<5).upperBound)
  }

  @Test func `a reader sees what was committed before it asks, written down or not`() throws {
    let store = try DuckDBStore(path: path)
    let reader = try store.reader().store
    for minute in 0..<12 {
      try store.commit(batch(minute..<minute + 1))
      try expect(reader, minutes: Int64(minute) + 1)
      if minute == 7 { #expect(try store.checkpoint()) }
    }
  }

  @Test func `a snapshot has the tables as if all were written down, whoever takes it`() throws {
    let store = try DuckDBStore(path: path)
    for minute in 0..<9 { try store.commit(batch(minute..<minute + 1)) }
    let snapshots = [try store.snapshot(), try store.reader().store.snapshot()]
    try store.commit(batch(9..<10))
    for snapshot in snapshots {
      #expect(try StoreCheck.run(snapshot).findings == [])
      #expect(try snapshot.cells("SELECT row_count FROM series") == [["9"]])
      let ledger = try #require(snapshot.tables().first { $0.name == "gap_ledger" })
      var ends: [Int64] = []
      try snapshot.read(ledger) { batch in
        let column = try #require(ledger.columns.firstIndex { $0.name == "range_to" })
        guard case .words(let words) = batch.columns[column].storage else { return }
        ends += words
      }
      #expect(ends == [Self.minutes(0..<9).upperBound])
      #expect(try snapshot.rows(of: ledger) == 1)
    }
    try expect(store, minutes: 10)
  }

  @Test func `a candle that the ledger is not told of does not make its minute live`() throws {
    var known: [Int64] = []
    for (place, provenance) in Provenance.allCases.enumerated() {
      let path = folder.file("\(provenance).duckdb")
      let store = try DuckDBStore(path: path)
      try store.commit(batch(0..<3))
      var next = batch(3..<4)
      next.ledger = []
      next.candles[0].record.provenance = provenance
      try store.commit(next)
      let copied = try copy(path, to: "copied-\(place).duckdb")
      known.append(try #require(DuckDBStore(path: copied).ledger(.bitcoin, .minutes).last).range.upperBound)
    }
    #expect(known == Array(repeating: Self.minutes(0..<3).upperBound, count: 3))
  }

  @Test func `what is missing after a live run stays missing, and what came live stays live`() throws {
    let store = try DuckDBStore(path: path)
    try store.commit([batch(0..<3), batch(3..<5)])
    try store.commit(batch(5..<6))
    var hole = LiveBatch(knownAt: .start.adding(minutes: 9))
    hole.ledger = [LedgerRange(.bitcoin, .minutes, Self.minutes(6..<8), .missing, since: hole.knownAt)]
    try store.commit(hole)
    try store.commit(batch(8..<9))
    try store.commit(batch(9..<11))
    let expected = try store.ledger(.bitcoin, .minutes)
    #expect(expected.map(\.range) == [Self.minutes(0..<6), Self.minutes(6..<8), Self.minutes(8..<11)])
    #expect(expected.map(\.state) == [.live, .missing, .live])
    let copied = try copy(path, to: "copied.duckdb")
    #expect(try DuckDBStore(path: copied).ledger(.bitcoin, .minutes) == expected)
  }

  @Test func `a live run that is ahead of the candles grows once they have caught up with it`() throws {
    let store = try DuckDBStore(path: path)
    try store.commit(batch(0..<3))
    var ahead = LiveBatch(knownAt: .start.adding(minutes: 3))
    ahead.ledger = [LedgerRange(.bitcoin, .minutes, Self.minutes(3..<5), .live, since: ahead.knownAt)]
    try store.commit(ahead)
    for minute in 3..<5 {
      var untold = batch(minute..<minute + 1)
      untold.ledger = []
      try store.commit(untold)
    }
    try store.commit(batch(5..<6))
    try expect(store, minutes: 6)
    try expect(DuckDBStore(path: try copy(path, to: "copied.duckdb")), minutes: 6)
  }

  @Test(arguments: [1, 2, 16, 17, 40])
  func `candles that come together are stored alike, however many they are`(count: Int) throws {
    let store = try DuckDBStore(path: path)
    let mixed = Candle.random(count, seed: UInt64(count))
    let full = mixed.map { candle in
      var full = Candle.tail(0)
      full.openTime = candle.openTime
      return full
    }
    try store.commit(.of(mixed, knownAt: .start))
    try store.commit(
      {
        var batch = LiveBatch(knownAt: .start)
        batch.candles = full.map { .live($0, .ether) }
        return batch
      }())
    #expect(try store.candles(.bitcoin).map(\.candle) == mixed)
    #expect(try store.candles(.ether).map(\.candle) == full)
  }

  // MARK: Against a model

  /// What a store is to say of one series.
  private struct Model {
    var versions: [Int: [Candle]] = [:]
    var ledger = LedgerMap()
    var next: Int { (versions.keys.max() ?? -1) + 1 }
  }

  private func compare(_ store: any Store, _ models: [Series: Model], _ note: String) throws {
    for (series, model) in models {
      let summary = try store.summary(of: series)
      #expect(summary?.rows ?? 0 == model.versions.count, "\(note)")
      #expect(summary?.revisions ?? 0 == model.versions.values.reduce(0) { $0 + $1.count - 1 }, "\(note)")
      let last = model.versions.keys.max().map { Timestamp.start.adding(minutes: $0) }
      #expect(summary?.lastOpenTime == last, "\(note)")
      let expected = model.ledger.runs.map { LedgerRange(series, .minutes, $0.range, $0.state, since: $0.since) }
      #expect(try store.ledger(series, .minutes) == expected, "\(note)")
    }
  }

  /// One change of a series, made in the model and put into the batch.
  private func change(
    _ model: inout Model, _ series: Series, _ batch: inout LiveBatch, using random: inout SplitMix64
  ) -> String {
    let start = Timestamp.start.minute
    let since = batch.knownAt
    func put(_ minute: Int, _ provenance: Provenance, _ state: LedgerState?) {
      var candle = Candle.random(at: .start.adding(minutes: minute), using: &random)
      if let old = model.versions[minute]?.last { candle = old.changed }
      model.versions[minute, default: []].append(candle)
      var live = LiveCandle.live(candle, series)
      live.record.provenance = provenance
      batch.candles.append(live)
      if let state { set(minute, state) }
    }
    func set(_ minute: Int, _ state: LedgerState) {
      let key = start + Int64(minute)
      batch.ledger.append(LedgerRange(series, .minutes, key..<key + 1, state, since: since))
      model.ledger.set(key..<key + 1, state, since: since)
    }
    switch Int.random(in: 0..<12, using: &random) {
    case 0:
      let hole = model.next
      set(hole, .missing)
      put(hole + 1, .live, .live)
      return "hole"
    case 1:
      guard let missing = model.ledger.runs.last(where: { $0.state == .missing }) else { return "nothing" }
      put(Int(missing.range.lowerBound - start), .patched, .patched(from: "rest"))
      return "patch"
    case 2:
      guard let minute = model.versions.keys.sorted().randomElement(using: &random) else { return "nothing" }
      put(minute, .patched, nil)
      return "revision"
    case 3:
      put(model.next, Provenance.allCases.randomElement(using: &random)!, nil)
      return "untold"
    case 4:
      set(Int.random(in: 0..<model.next + 3, using: &random), Bool.random(using: &random) ? .missing : .live)
      return "ledger alone"
    default:
      for _ in 0..<Int.random(in: 1...3, using: &random) { put(model.next, .live, .live) }
      return "following"
    }
  }

  @Test(arguments: Soak.seedsOfStores(2))
  func `commits, crashes, closings and reads leave what a model holds`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var models: [Series: Model] = [.bitcoin: Model(), .ether: Model()]
    var place = folder.file("0.duckdb")
    var store = try DuckDBStore(path: place)
    var steps: [String] = []
    for round in 0..<(Soak.isOn ? 120 : 40) {
      switch Int.random(in: 0..<12, using: &random) {
      case 0:
        let next = try copy(place, to: "\(round + 1).duckdb")
        (store, place) = (try DuckDBStore(path: next), next)
        steps.append("crash")
      case 1:
        _ = consume store
        store = try DuckDBStore(path: place)
        steps.append("closing")
      case 2:
        #expect(try store.checkpoint())
        steps.append("checkpoint")
      case 3:
        let minute = models[.bitcoin, default: Model()].next + 2
        let candle = Candle.random(at: .start.adding(minutes: minute), using: &random)
        try store.write([candle], to: .bitcoin, .archive(storedAt: round))
        models[.bitcoin, default: Model()].versions[minute] = [candle]
        steps.append("import")
      case 4:
        try store.execute("ALTER TABLE data_quality_logs RENAME TO elsewhere")
        var batch = LiveBatch(knownAt: .start.adding(minutes: 10_000 + round))
        batch.quality = [QualityEvent(series: .bitcoin, type: "gap", createdAt: batch.knownAt)]
        for series in [Series.bitcoin, .ether] {
          var discarded = models[series, default: Model()]
          _ = change(&discarded, series, &batch, using: &random)
        }
        #expect(throws: StoreError.self) { try store.commit(batch) }
        try store.execute("ALTER TABLE elsewhere RENAME TO data_quality_logs")
        steps.append("failure")
      default:
        var batches: [LiveBatch] = []
        for _ in 0..<Int.random(in: 1...2, using: &random) {
          var batch = LiveBatch(knownAt: .start.adding(minutes: 10_000 + round))
          for series in [Series.bitcoin, .ether] where Bool.random(using: &random) {
            steps.append(change(&models[series, default: Model()], series, &batch, using: &random))
          }
          batches.append(batch)
        }
        try store.commit(batches)
      }
      let note = "seed \(seed), round \(round): \(steps.suffix(8).joined(separator: ", "))"
      let isBeside = Bool.random(using: &random)
      try compare(isBeside ? store.reader().store : store, models, note)
    }
    let findings = try StoreCheck.run(store.snapshot()).findings.filter { !$0.fact.contains("prices") }
    #expect(findings == [], "seed \(seed)")
    let copied = try DuckDBStore(path: try copy(place, to: "last.duckdb"), mode: .readOnly)
    try compare(copied, models, "seed \(seed), read after a crash")
    #expect(try StoreCheck.run(copied.snapshot()).findings == findings, "seed \(seed)")
  }
}

struct FollowingCandleTests {
  private let since = Timestamp.start

  private func live(_ minutes: Int64...) -> [FollowingCandle] {
    minutes.map { FollowingCandle(minute: $0, isLive: true) }
  }

  @Test func `a live run grows by candles that came live without a hole`() {
    let map = LedgerMap([.init(0..<5, .live, since: since)])
    #expect(map.grown(after: 4, by: live(5, 6, 7)).runs == [.init(0..<8, .live, since: since)])
    #expect(map.grown(after: 4, by: live(5, 7)).runs == [.init(0..<6, .live, since: since)])
    #expect(map.grown(after: 4, by: live(6)) == map)
    let patched = [FollowingCandle(minute: 5, isLive: false)] + live(6)
    #expect(map.grown(after: 4, by: patched) == map)
  }

  @Test func `a run that does not reach to the last candle, or is not live, stays as it is`() {
    let map = LedgerMap([.init(0..<5, .live, since: since)])
    #expect(map.grown(after: 3, by: live(4, 5)) == map)
    #expect(map.grown(after: 5, by: live(6)) == map)
    let missing = LedgerMap([.init(0..<5, .missing, since: since)])
    #expect(missing.grown(after: 4, by: live(5)) == missing)
    #expect(LedgerMap().grown(after: 4, by: live(5)) == LedgerMap())
  }

  @Test(arguments: Soak.seeds(20))
  func `growing in parts is growing at once`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var minute: Int64 = 4
    let candles = (0..<12).map { _ in
      minute += Int.random(in: 0..<8, using: &random) == 0 ? 2 : 1
      return FollowingCandle(minute: minute, isLive: Int.random(in: 0..<8, using: &random) > 0)
    }
    let map = LedgerMap([.init(0..<5, .live, since: since)])
    let cut = Int.random(in: 1..<12, using: &random)
    let first = map.grown(after: 4, by: Array(candles[..<cut]))
    let second = first.grown(after: candles[cut - 1].minute, by: Array(candles[cut...]))
    #expect(second == map.grown(after: 4, by: candles), "seed \(seed)")
  }
}

struct SchemaStepsTests {
  private struct Step: TakenStep {
    var version = 0
    let name: String
    let checksum: String
  }

  @Test func `the first step that is another one is named with both checksums`() {
    let known = [Step(name: "a", checksum: "1"), Step(name: "b", checksum: "2")]
    let taken = [Step(version: 1, name: "a", checksum: "1"), Step(version: 2, name: "c", checksum: "3")]
    #expect(SchemaSteps.difference(taken, from: known) == "step 2 was c 3, not b 2")
    #expect(SchemaSteps.difference([taken[1]], from: known) == "step 1 was c 3, not a 1")
    #expect(SchemaSteps.difference([taken[0]], from: known) == nil)
    #expect(SchemaSteps.difference(taken, from: [known[0]]) == nil)
  }
}

extension Candle {
  /// A candle that has every value.
  fileprivate static func tail(_ minute: Int) -> Candle {
    func number(_ units: Int128) -> Decimal8 { Decimal8(units: units * 100_000_000) ?? .zero }
    return Candle(
      openTime: .start.adding(minutes: minute), open: number(100), high: number(103), low: number(99),
      close: number(101), volume: number(5), quoteVolume: number(500), trades: 7, takerBuyBase: number(2),
      takerBuyQuote: number(200))
  }
}
