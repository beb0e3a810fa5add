import FoundationEssentials
import Glibc
import Market
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Ingestion
@testable import Storage

struct WriterTests {
  private let folder: TemporaryFolder
  private let candles = RandomWalk()(seed: 1, count: 400)
  private let series = Series(.binance, .btcusdt)
  private var path: String { folder.file("store.duckdb") }

  init() throws { folder = try TemporaryFolder() }

  private func writer(_ change: (inout LiveWriter.Limits) -> Void = { _ in }) throws -> LiveWriter {
    var limits = LiveWriter.Limits()
    change(&limits)
    return try LiveWriter(limits) { [path] () throws(StoreError) in try DuckDBStore(path: path) }
  }

  private func batch(_ candles: some Sequence<Candle>) -> LiveBatch {
    var batch = LiveBatch(knownAt: Timestamp("2025-01-01")!)
    batch.candles = candles.map { .live($0) }
    return batch
  }

  private func stored() throws -> [Candle] {
    try DuckDBStore(path: path, mode: .existing).candles(series).map(\.candle)
  }

  /// Holds the writer's thread until it is let go, so that a queue can be built up.
  private func held(_ writer: LiveWriter) async -> Gate {
    let gate = Gate()
    Task { try await writer.withStore { _ in gate.hold() } }
    await gate.isHolding()
    return gate
  }

  // MARK: Committing

  @Test func `what is submitted is committed in order and reported`() async throws {
    let writer = try writer()
    let first = try await writer.commit(batch(candles[..<3]))
    #expect(first.outcomes == [.new, .new, .new])
    #expect(first.latencyMicroseconds >= 0)
    #expect(try await writer.commit(batch(candles[2..<4])).outcomes == [.unchanged, .new])
    #expect(try await writer.withStore { try $0.status().map(\.rows) } == [4])
    let statistics = writer.statistics
    #expect(statistics.transactions == 2)
    #expect((statistics.newCandles, statistics.unchangedCandles, statistics.revisedCandles) == (4, 1, 0))
    #expect(statistics.latency.count == 5)
    #expect(statistics.queuedBatches == 0 && statistics.queuedBytes == 0 && statistics.failure == nil)
    try await writer.close()
    #expect(try stored() == Array(candles[..<4]))
  }

  @Test(arguments: [(10, [10, 10, 5]), (4, [4, 4, 4, 4, 4, 4, 1])])
  func `under pressure a transaction grows to so many candles`(most: Int, sizes: [Int]) async throws {
    let writer = try writer {
      $0.maxBatchCandles = most
      $0.maxWaitSeconds = 1000
    }
    let gate = await held(writer)
    for candle in candles[..<25] { try await writer.submit(batch([candle])) }
    gate.open()
    try await writer.flush()
    #expect(writer.statistics.transactions == sizes.count)
    #expect(writer.statistics.newCandles == 25)
  }

  @Test func `what has waited too long goes all at once`() async throws {
    let writer = try writer { $0.maxWaitSeconds = 0 }
    let gate = await held(writer)
    for candle in candles[..<25] { try await writer.submit(batch([candle])) }
    gate.open()
    try await writer.flush()
    #expect(writer.statistics.transactions == 1)
  }

  @Test func `an idle writer commits at once`() async throws {
    let writer = try writer { $0.maxWaitSeconds = 1000 }
    _ = try await writer.commit(batch(candles[..<1]))
    #expect(writer.statistics.transactions == 1)
  }

  @Test func `a full queue makes its submitters wait, and loses nothing`() async throws {
    let writer = try writer { $0.queuedCandles = 5 }
    let gate = await held(writer)
    let submitted = Counter()
    let batches = candles[..<40].map { batch([$0]) }
    try await withThrowingTaskGroup { group in
      group.addTask {
        for batch in batches {
          try await writer.submit(batch)
          submitted.add()
        }
      }
      while writer.statistics.waits == 0 { await Task.yield() }
      #expect(submitted.value == 5)
      #expect(writer.statistics.queuedCandles == 5)
      gate.open()
      try await group.waitForAll()
    }
    try await writer.flush()
    #expect(writer.statistics.newCandles == 40)
    #expect(writer.statistics.waits >= 1)
    try await writer.close()
    #expect(try stored() == Array(candles[..<40]))
  }

  @Test func `many submitters at once are all served`() async throws {
    let writer = try writer { $0.queuedCandles = 7 }
    let batches = (0..<8).map { part in candles[part * 50..<part * 50 + 50].map { batch([$0]) } }
    try await withThrowingTaskGroup { group in
      for part in 0..<8 {
        group.addTask {
          for candle in batches[part] { try await writer.submit(candle) }
        }
      }
      try await group.waitForAll()
    }
    try await writer.close()
    #expect(try stored() == candles)
  }

  @Test func `a closed writer refuses, and closing commits what waits`() async throws {
    let writer = try writer()
    let gate = await held(writer)
    for candle in candles[..<30] { try await writer.submit(batch([candle])) }
    async let closing: Void = writer.close()
    gate.open()
    try await closing
    await #expect(throws: LiveWriterError.closed) { try await writer.submit(batch(candles[..<1])) }
    await #expect(throws: LiveWriterError.closed) { _ = try await writer.commit(batch(candles[..<1])) }
    await #expect(throws: LiveWriterError.closed) { try await writer.withStore { _ in } }
    try await writer.flush()
    try await writer.close()
    #expect(try stored() == Array(candles[..<30]))
  }

  @Test func `an error of a reader is the reader's`() async throws {
    struct Mine: Error {}
    let writer = try writer()
    await #expect(throws: Mine.self) { try await writer.withStore { _ in throw Mine() } }
    #expect(try await writer.commit(batch(candles[..<1])).outcomes == [.new])
  }

  // MARK: Opening

  @Test func `a store that cannot be opened is an error at once`() throws {
    let path = path
    #expect(throws: StoreError.absent(path: path)) {
      _ = try LiveWriter { () throws(StoreError) in try DuckDBStore(path: path, mode: .existing) }
    }
  }

  @Test func `a second writer is refused`() async throws {
    let path = path
    let writer = try writer()
    #expect(throws: StoreError.locked(path: path, holder: "this process")) { try self.writer() }
    await #expect(processExitsWith: .exitCode(4)) { [path = path as String] in
      do throws(StoreError) {
        _ = try LiveWriter { () throws(StoreError) in try DuckDBStore(path: path) }
      } catch {
        exit(error.exitCode)
      }
    }
    try await writer.close()
    try await self.writer().close()
  }

  // MARK: Failures

  @Test func `a full disk keeps the batches until there is room`() async throws {
    await #expect(processExitsWith: .exitCode(0)) { [path = path as String] in
      signal(SIGXFSZ, SIG_IGN)
      let candles = RandomWalk()(seed: 1, count: 30_000)
      let (failed, recovered) = (Counter(), Counter())
      var limits = LiveWriter.Limits()
      limits.retrySeconds = 0.001...0.01
      let writer = try LiveWriter(limits) { event in
        switch event {
        case .failed(.diskFull, let attempt, _):
          failed.add()
          if attempt == 4 { FileSizeLimit.set(nil) }
        case .recovered: recovered.add()
        default: exit(9)
        }
      } open: { () throws(StoreError) in
        try DuckDBStore(path: path)
      }
      func batch(_ candles: ArraySlice<Candle>) -> LiveBatch {
        var batch = LiveBatch(knownAt: Timestamp("2025-01-01")!)
        batch.candles = candles.map { .live($0) }
        return batch
      }
      _ = try await writer.commit(batch(candles[..<100]))
      FileSizeLimit.set(600_000)
      _ = try await writer.commit(batch(candles[100...]))
      guard failed.value >= 4, recovered.value >= 1 else { exit(8) }
      let rows = try await writer.withStore { try $0.status().map(\.rows) }
      guard rows == [30_000], writer.statistics.failure == nil else { exit(7) }
      try await writer.close()
    }
    #expect(try stored().count == 30_000)
  }

  @Test func `a damaged store stops the writer and everybody hears of it`() async throws {
    let opened = Counter()
    let stops = Counter()
    let damage = StoreError.corrupt(path: "x", reason: "made up")
    let writer = try LiveWriter { event in
      if event == .stopped(damage) { stops.add() }
    } open: { [path] () throws(StoreError) in
      guard opened.add() == 1 else { throw damage }
      return try DuckDBStore(path: path)
    }
    _ = try await writer.withStore {
      try #require($0 as? DuckDBStore).session.run("ALTER TABLE series RENAME TO gone")
    }
    await #expect(throws: LiveWriterError.stopped(damage)) { _ = try await writer.commit(batch(candles[..<1])) }
    await #expect(throws: LiveWriterError.stopped(damage)) { try await writer.submit(batch(candles[..<1])) }
    await #expect(throws: LiveWriterError.stopped(damage)) { try await writer.flush() }
    await #expect(throws: LiveWriterError.stopped(damage)) { try await writer.close() }
    #expect(writer.statistics.failure == damage)
    #expect(stops.value == 1)
  }

  @Test(arguments: [1, 3, 6])
  func `what fails for another reason is tried so often, with longer and longer waits`(attempts: Int) async throws {
    var limits = LiveWriter.Limits()
    limits.attempts = attempts
    limits.retrySeconds = 0.001...0.003
    let waits = Waits()
    let writer = try LiveWriter(limits) { event in
      if case .failed(.failed, _, let seconds) = event { waits.add(seconds) }
    } open: { [path] () throws(StoreError) in
      try DuckDBStore(path: path)
    }
    _ = try await writer.withStore { try #require($0 as? DuckDBStore).session.run("ALTER TABLE series RENAME TO gone") }
    await #expect(throws: LiveWriterError.self) { _ = try await writer.commit(batch(candles[..<1])) }
    #expect(waits.seconds == Array([0.001, 0.002, 0.003, 0.003, 0.003].prefix(attempts - 1)))
    #expect(writer.statistics.failures == attempts)
  }

  @Test(arguments: [(10_000, true), (100_000_000, false)])
  func `the log of commits stays as small as it is told to`(bytes: Int, isFolded: Bool) async throws {
    let writer = try writer { $0.logBytes = bytes }
    for index in 0..<40 {
      _ = try await writer.commit(batch(candles[index * 10..<index * 10 + 10]))
      #expect(writer.statistics.logBytes <= 4 * bytes + 10_000)
    }
    try await writer.withStore { _ in }
    #expect((writer.statistics.checkpoints > 0) == isFolded)
    try await writer.close()
    #expect(try stored() == candles)
  }

  // MARK: Readers

  @Test func `who reads beside the writer holds up no commit, nor the folding of the log`() async throws {
    let writer = try writer { $0.logBytes = 0 }
    _ = try await writer.commit(batch(candles[..<5]))
    let gate = Gate()
    let reading = Task { [series] in
      try await writer.withReader { store in
        var counts: [Int] = []
        try store.readCandles(series, in: .all, asOf: .distantFuture) { batch in
          gate.hold()
          counts.append(batch.count)
        }
        return counts + [try store.candles(series).count]
      }
    }
    await gate.isHolding()
    let folded = writer.statistics.checkpoints
    #expect(try await writer.commit(batch(candles[5..<8])).outcomes == [.new, .new, .new])
    try await writer.withStore { _ in }
    #expect(writer.statistics.checkpoints > folded)
    gate.open()
    #expect(try await reading.value == [5, 8])
    #expect(writer.statistics.failures == 0)
    try await writer.close()
    #expect(try stored() == Array(candles[..<8]))
  }

  @Test func `the log is folded when nobody reads any more what was changed since, and nothing fails till then`()
    async throws
  {
    let writer = try writer { ($0.logBytes, $0.foldAgainSeconds) = (0, 0) }
    _ = try await writer.commit(batch(candles[..<5]))
    let gate = Gate()
    let reading = Task { [series] in
      try await writer.withReader { store in
        let session = try #require(store as? DuckDBStore).session
        return try session.transaction {
          let before = try store.candles(series).count
          gate.hold()
          return [before, try store.candles(series).count]
        }
      }
    }
    await gate.isHolding()
    let folded = writer.statistics.checkpoints
    // A revision changes rows, where new candles only add some.
    var revised = candles[0]
    revised.close = candles[1].close
    _ = try await writer.commit(batch([revised] + candles[5..<8]))
    try await writer.withStore { _ in }
    #expect(writer.statistics.checkpoints == folded)
    gate.open()
    #expect(try await reading.value == [5, 5])
    _ = try await writer.commit(batch(candles[8..<9]))
    try await writer.withStore { _ in }
    try await writer.withStore { _ in }
    #expect(writer.statistics.checkpoints > folded)
    #expect(writer.statistics.failures == 0)
    try await writer.close()
    #expect(try stored() == [revised] + candles[1..<9])
  }

  @Test func `a store that must be opened anew waits for who still reads it`() async throws {
    var limits = LiveWriter.Limits()
    limits.attempts = 2
    limits.retrySeconds = 0.001...0.001
    let (refusals, gate) = (Counter(), Gate())
    let writer = try LiveWriter(limits) { event in
      if case .failed(.locked, _, _) = event, refusals.add() == 3 { gate.open() }
    } open: { [path] () throws(StoreError) in
      try DuckDBStore(path: path)
    }
    let reading = Task {
      try await writer.withReader { store in
        gate.hold()
        try #require(store as? DuckDBStore).session.run("ALTER TABLE gone RENAME TO series")
      }
    }
    await gate.isHolding()
    _ = try await writer.withStore { try #require($0 as? DuckDBStore).session.run("ALTER TABLE series RENAME TO gone") }
    #expect(try await writer.commit(batch(candles[..<1])).outcomes == [.new])
    _ = try await reading.value
    #expect(refusals.value >= 3)
  }

  // MARK: Sudden ends

  @Test(arguments: Soak.seeds(4))
  func `a killed writer leaves whole batches, and all that were reported`(seed: UInt64) async throws {
    let reported = folder.file("reported")
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [path = path as String, reported = reported as String, seed = seed as UInt64] in
      var random = SplitMix64(seed: seed)
      var limits = LiveWriter.Limits()
      limits.logBytes = 60_000
      let writer = try LiveWriter(limits) { () throws(StoreError) in try DuckDBStore(path: path) }
      let log = open(reported, O_WRONLY | O_CREAT, 0o644)
      let last = Int.random(in: 20..<120, using: &random)
      let delay = UInt32.random(in: 0..<6000, using: &random)
      for number in 0... {
        try await writer.submit(Numbered.batch(number)) { result in
          guard case .success = result else { exit(9) }
          let line = "\(number)\n"
          guard write(log, line, line.utf8.count) == line.utf8.count else { exit(8) }
          guard number == last else { return }
          try? DedicatedThread.start {
            usleep(delay)
            kill(getpid(), SIGKILL)
          }
        }
      }
    }
    let lines = try String(decoding: Data(contentsOf: URL(filePath: reported)), as: UTF8.self).split(separator: "\n")
    let store = try DuckDBStore(path: path, mode: .existing)
    let stored = try store.candles(series).map(\.candle)
    let batches = stored.count / Numbered.candlesABatch
    #expect(batches >= lines.count)
    #expect(lines.count >= 20)
    #expect(stored == (0..<batches).flatMap { Numbered.batch($0).candles.map(\.record.candle) })
    #expect(try store.summary(of: series)?.rows == stored.count)
    let ledger = try store.ledger(series, .minutes)
    #expect(ledger.map { $0.range.count } == [stored.count])
    #expect(try store.qualityEvents(nil, unresolvedOnly: false, limit: .max).count == batches)
  }
}

/// Batches that are told apart by a number.
private enum Numbered {
  static let candlesABatch = 7

  static func batch(_ number: Int) -> LiveBatch {
    let series = Series(.binance, .btcusdt)
    let first = RandomWalk()(seed: UInt64(number), count: 1)[0]
    let minute = RandomWalk.firstMinute + Int64(number * candlesABatch)
    var batch = LiveBatch(knownAt: Timestamp(minute: minute))
    batch.candles = (0..<Int64(candlesABatch)).map { offset in
      var candle = first
      candle.openTime = Timestamp(minute: minute + offset)
      return .live(candle)
    }
    batch.ledger = [
      LedgerRange(
        series, .minutes, minute..<minute + Int64(candlesABatch), .live, since: Timestamp(minute: minute))
    ]
    batch.quality = [QualityEvent(series: series, type: "gap", createdAt: Timestamp(minute: minute))]
    return batch
  }
}

private final class Counter: Sendable {
  private let count = Atomic(0)

  var value: Int { count.load(ordering: .sequentiallyConsistent) }

  @discardableResult
  func add() -> Int { count.add(1, ordering: .sequentiallyConsistent).newValue }
}

private final class Waits: Sendable {
  private let list = Mutex<[Double]>([])

  var seconds: [Double] { list.withLock(\.self) }

  func add(_ seconds: Double) { list.withLock { $0.append(seconds) } }
}

/// Keeps a thread waiting.
private final class Gate: Sendable {
  private enum State {
    case unused, holding
    case awaited(CheckedContinuation<Void, Never>)
  }

  private let state = Mutex(State.unused)
  private let bell = Bell()

  func hold() {
    let waiting: CheckedContinuation<Void, Never>? = state.withLock { state in
      defer { state = .holding }
      if case .awaited(let continuation) = state { return continuation }
      return nil
    }
    waiting?.resume()
    bell.wait(seconds: nil)
  }

  func isHolding() async {
    await withCheckedContinuation { continuation in
      let isHolding = state.withLock { state in
        if case .holding = state { return true }
        state = .awaited(continuation)
        return false
      }
      if isHolding { continuation.resume() }
    }
  }

  func open() { bell.ring() }
}

/// How large files of this process may become; what would be larger fails as on a full disk.
private enum FileSizeLimit {
  static func set(_ bytes: Int?) {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    limit.rlim_cur = bytes.map { rlim_t($0) } ?? limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
  }
}
