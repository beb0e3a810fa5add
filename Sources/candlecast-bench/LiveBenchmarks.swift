import Glibc
import Ingestion
import Market
import Platform
import Storage
import Synchronization

/// A live feed of a thousand candles a second for twenty seconds, into a store that holds the candles of a file.
enum LiveBenchmarks {
  static let all = [
    Benchmark("live.disk_flush_paced") { name, _ in try DiskFlush(.growing).paced(name) },
    Benchmark("live.commit_latency") { name, path in
      let latencies = try await LiveRun.result(path).latencies
      func milliseconds(_ share: Int) -> Double {
        Double(latencies[min(latencies.count - 1, latencies.count * share / 100)]) / 1000
      }
      return Measurement(
        name: name, unit: "ms", n: latencies.count,
        figures: .percentiles(p50: milliseconds(50), p99: milliseconds(99)))
    },
    Benchmark("live.processor_share") { name, path in
      let run = try await LiveRun.result(path)
      return Measurement(name: name, unit: "%", n: run.latencies.count, figures: .value(run.processorShare * 100))
    },
    Benchmark("live.private_growth") { name, path in
      let run = try await LiveRun.result(path)
      return Measurement(name: name, unit: "MB", n: run.latencies.count, figures: .value(run.privateGrowth / 1e6))
    },
    Benchmark("live.log_peak") { name, path in
      let run = try await LiveRun.result(path)
      return Measurement(name: name, unit: "MB", n: run.latencies.count, figures: .value(run.logPeak / 1e6))
    },
  ]
}

/// One such run, shared by the figures that come from it.
actor LiveRun {
  struct Result: Sendable {
    /// In microseconds, from the moment a candle was due to its being committed, in rising order.
    var latencies: [Int64] = []
    /// Of one core.
    var processorShare = 0.0
    /// In bytes, as the next.
    var privateGrowth = 0.0
    var logPeak = 0.0
  }

  private static let shared = LiveRun()
  private static let candlesASecond = 1000
  private static let count = 20 * candlesASecond
  private static let series = Series(.binance, .btcusdt)

  private var running: Task<Result, any Error>?

  static func result(_ path: String) async throws -> Result { try await shared.result(path) }

  private func result(_ path: String) async throws -> Result {
    let task = running ?? Task { try await Self.measure(path) }
    running = task
    return try await task.value
  }

  private static func measure(_ path: String) async throws -> Result {
    let folder = try ScratchFolder()
    let file = folder.path + "/live.duckdb"
    let last = try fill(file, from: path)
    let writer = try LiveWriter { () throws(StoreError) in try DuckDBStore(path: file, mode: .existing) }
    return try await feed(writer, after: last)
  }

  /// Closes the writer at the end.
  static func feed(_ writer: LiveWriter, after last: Candle) async throws -> Result {
    for offset in 0..<200 { _ = try await writer.commit(batch(last, offset)) }
    let latencies = Mutex<[Int64]>([])
    let logPeak = Mutex(0)
    let (memory, processor, start) = (
      Double(ProcessFacts.privateBytes), processorSeconds(), SystemClock.wallNanoseconds()
    )
    for index in 0..<count {
      let due = start + Int64(index) * 1_000_000_000 / Int64(candlesASecond)
      sleep(until: due)
      try await writer.submit(batch(last, 200 + index), receivedNanoseconds: due) { receipt in
        guard let receipt = try? receipt.get() else { return }
        latencies.withLock { $0.append(receipt.latencyMicroseconds) }
      }
      if index % 100 == 0 {
        let bytes = writer.statistics.logBytes
        logPeak.withLock { $0 = max($0, bytes) }
      }
    }
    try await writer.flush()
    let seconds = Double(SystemClock.wallNanoseconds() - start) / 1e9
    var result = Result()
    result.latencies = latencies.withLock { $0.sorted() }
    result.processorShare = (processorSeconds() - processor) / seconds
    result.privateGrowth = Double(ProcessFacts.privateBytes) - memory
    result.logPeak = Double(logPeak.withLock(\.self))
    try await writer.close()
    precondition(result.latencies.count == count, "every candle is committed")
    return result
  }

  /// Calls `body` when each candle of the feed is due, with the time of that; later if it takes too long.
  static func pace(_ body: (_ index: Int, _ due: Int64) throws -> Void) rethrows {
    let start = SystemClock.wallNanoseconds()
    for index in 0..<count {
      let due = start + Int64(index) * 1_000_000_000 / Int64(candlesASecond)
      sleep(until: due)
      try body(index, due)
    }
  }

  /// Returns the last candle.
  private static func fill(_ file: String, from path: String) throws -> Candle {
    let store = try DuckDBStore(path: file)
    _ = try CandleImport(series: series, knownAt: Timestamp(minute: 0)).run(path, into: store)
    guard let summary = try store.summary(of: series) else { preconditionFailure("\(path) has no candles") }
    let end = summary.lastOpenTime
    return try store.candles(series, in: end..<end.adding(minutes: 1))[0].candle
  }

  /// The minute so far after the last one, as a feed commits it.
  private static func batch(_ last: Candle, _ offset: Int) -> LiveBatch {
    var candle = last
    candle.openTime = last.closeTime.adding(minutes: offset)
    let minute = candle.openTime.minute
    var batch = LiveBatch(knownAt: candle.closeTime)
    let record = CandleRecord(
      candle: candle, availableAt: candle.closeTime, knownAt: candle.closeTime, provenance: .live,
      isAvailabilityAssumed: false)
    batch.candles = [LiveCandle(series, record)]
    batch.ledger = [LedgerRange(series, .minutes, minute..<minute + 1, .live, since: candle.closeTime)]
    return batch
  }

  private static func sleep(until nanoseconds: Int64) {
    var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    while clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &time, nil) == EINTR {}
  }

  private static func processorSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }
}
