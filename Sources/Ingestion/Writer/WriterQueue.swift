import Market
import Storage

/// A batch on its way into the store.
struct WaitingBatch {
  let batch: LiveBatch
  /// In the order of submission, from 1.
  let number: Int
  /// When its newest content reached this machine, by the real-time clock.
  let receivedNanoseconds: Int64
  /// By the steady clock.
  let queuedNanoseconds: Int64
  let completion: @Sendable (Result<LiveWriter.Receipt, LiveWriterError>) -> Void
  let bytes: Int

  init(
    _ batch: LiveBatch, number: Int, receivedNanoseconds: Int64, queuedNanoseconds: Int64,
    completion: @escaping @Sendable (Result<LiveWriter.Receipt, LiveWriterError>) -> Void
  ) {
    (self.batch, self.number, self.completion) = (batch, number, completion)
    (self.receivedNanoseconds, self.queuedNanoseconds) = (receivedNanoseconds, queuedNanoseconds)
    bytes = batch.approximateBytes
  }

  /// What it counts for where candles are counted; a batch without any is not nothing.
  var candles: Int { max(1, batch.candles.count) }
}

/// What waits to be committed, in order, and how much of it goes together.
struct WriterQueue {
  private let limits: LiveWriter.Limits
  private var batches: [WaitingBatch] = []
  /// Everything before it has been taken.
  private var head = 0
  private(set) var candles = 0
  private(set) var bytes = 0

  init(_ limits: LiveWriter.Limits) { self.limits = limits }

  var count: Int { batches.count - head }
  var isEmpty: Bool { count == 0 }

  /// There is room for it; an empty queue has room for anything.
  func hasRoom(for batch: WaitingBatch) -> Bool {
    isEmpty || (candles + batch.candles <= limits.queuedCandles && bytes + batch.bytes <= limits.queuedBytes)
  }

  mutating func append(_ batch: WaitingBatch) {
    batches.append(batch)
    candles += batch.candles
    bytes += batch.bytes
  }

  /// What is to be committed next, together: as many of the oldest as stay within `maxBatchCandles`, or everything once
  /// the oldest has waited for `maxWaitSeconds`. A batch is never divided.
  mutating func take(at nanoseconds: Int64) -> [WaitingBatch] {
    guard let oldest = batches[head...].first else { return [] }
    let isLate = Double(nanoseconds - oldest.queuedNanoseconds) / 1e9 >= limits.maxWaitSeconds
    var end = head
    var taken = 0
    while end < batches.count, end == head || isLate || taken + batches[end].candles <= limits.maxBatchCandles {
      taken += batches[end].candles
      bytes -= batches[end].bytes
      end += 1
    }
    candles -= taken
    let group = Array(batches[head..<end])
    head = end
    if head == batches.count || head > 1024 {
      batches.removeFirst(head)
      head = 0
    }
    return group
  }

  mutating func takeAll() -> [WaitingBatch] {
    defer { self = WriterQueue(limits) }
    return Array(batches[head...])
  }
}

extension LiveBatch {
  /// What it holds in memory, near enough to bound it.
  fileprivate var approximateBytes: Int {
    let fixed =
      MemoryLayout<LiveCandle>.stride * candles.count + MemoryLayout<LedgerRange>.stride * ledger.count
      + MemoryLayout<OracleTickRecord>.stride * ticks.count
      + MemoryLayout<OracleMinuteRecord>.stride * oracleMinutes.count
      + MemoryLayout<MarketDataRow>.stride * marketData.count
    let predicted = predictions.reduce(0) { $0 + 2 * MemoryLayout<Prediction>.stride + $1.reason.utf8.count }
    let events = quality.reduce(0) { $0 + MemoryLayout<QualityEvent>.stride + $1.details.utf8.count }
    return MemoryLayout<LiveBatch>.stride + fixed + predicted + events
  }
}
