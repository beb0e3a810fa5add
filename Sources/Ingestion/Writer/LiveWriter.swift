internal import Platform
package import Storage
internal import Synchronization

/// Owns a store on a thread of its own and commits what is submitted, in order, as soon as the store is idle.
///
/// While a commit is under way more may gather; it goes together into the next one. Nothing is ever dropped: when the
/// queue is full, `submit` waits, and when the disk is full, the same batches are tried again until they are in.
package final class LiveWriter: Sendable {
  /// Each bound is a knob of its own.
  package struct Limits: Hashable, Sendable {
    /// The most candles that go into one transaction, unless one batch alone has more.
    package var maxBatchCandles = 10
    /// When the oldest batch has waited for so long, all that waits goes into one transaction.
    package var maxWaitSeconds = 1.0
    /// What may wait before `submit` waits.
    package var queuedCandles = 20_000
    package var queuedBytes = 32 << 20
    /// The log of commits is folded into the file when it is larger and nothing waits, or four times larger at any time.
    package var logBytes = 8 << 20
    /// Between two attempts to fold the log while somebody reads what would be folded over.
    package var foldAgainSeconds = 1.0
    /// Between two attempts after a failure: the first, doubled each time up to the last.
    package var retrySeconds = 0.1...30.0
    /// After so many failures in a row that are not for want of room, the writer stops.
    package var attempts = 5

    package init() {}
  }

  package struct Receipt: Hashable, Sendable {
    /// For each candle of the batch what it was.
    package let outcomes: [CandleOutcome]
    /// From the receipt of the batch's content to its being committed.
    package let latencyMicroseconds: Int64
  }

  /// What an operator should hear of.
  package enum Event: Hashable, Sendable {
    /// Nothing is lost; the batches are kept.
    case failed(StoreError, attempt: Int, retryInSeconds: Double)
    case recovered(attempts: Int)
    /// Nothing more is taken.
    case stopped(StoreError)
  }

  private let core: WriterCore

  /// - Parameters:
  ///   - report: called on the writer's thread.
  ///   - open: opens the store, on the writer's thread; called again when a failure has made the store unusable.
  package init(
    _ limits: Limits = Limits(), report: @escaping @Sendable (Event) -> Void = { _ in },
    open: @escaping @Sendable () throws(StoreError) -> any Store
  ) throws(StoreError) {
    core = WriterCore(limits)
    try WriterLoop.start(core, limits, report: report, open: open)
  }

  deinit { core.end() }

  /// Takes a batch; waits while the queue is full, also when the task is cancelled.
  ///
  /// - Parameters:
  ///   - receivedNanoseconds: when the content reached this machine, by the real-time clock; now if `nil`.
  ///   - completion: called on the writer's thread when the batch is committed or never will be.
  package func submit(
    _ batch: LiveBatch, receivedNanoseconds: Int64? = nil,
    completion: @escaping @Sendable (Result<Receipt, LiveWriterError>) -> Void = { _ in }
  ) async throws(LiveWriterError) {
    try await withCheckedContinuation { continuation in
      core.submit(batch, receivedNanoseconds: receivedNanoseconds, completion) { continuation.resume(returning: $0) }
    }.get()
  }

  /// Takes a batch and returns when it is committed.
  package func commit(_ batch: LiveBatch, receivedNanoseconds: Int64? = nil) async throws(LiveWriterError) -> Receipt {
    try await withCheckedContinuation { continuation in
      core.submit(batch, receivedNanoseconds: receivedNanoseconds) {
        continuation.resume(returning: $0)
      } admitted: { _ in
      }
    }.get()
  }

  /// Runs `body` with the store on the writer's thread, between two commits. Commits wait for it.
  package func withStore<Value: Sendable>(
    _ body: @escaping @Sendable (any Store) throws -> Value
  ) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      core.request { store in
        continuation.resume(with: store.flatMap { store in Result { try body(store) } })
      }
    }
  }

  /// Runs `body` with a second connection to the store on a thread of its own. Commits go on meanwhile.
  package func withReader<Value: Sendable>(
    _ body: @escaping @Sendable (any Store) throws -> Value
  ) async throws -> Value {
    let reader = LentReader(try await withStore { try $0.reader() })
    return try await DedicatedThread.run { try reader.use(body) }
  }

  /// Returns when everything submitted so far is committed.
  package func flush() async throws(LiveWriterError) {
    try await withCheckedContinuation { continuation in
      core.whenCommitted { continuation.resume(returning: $0) }
    }.get()
  }

  /// Commits what waits, folds the log into the file and closes the store. What cannot be committed at the first
  /// attempt is given up, and the error says why.
  package func close() async throws(LiveWriterError) {
    try await withCheckedContinuation { continuation in
      core.whenEnded { continuation.resume(returning: $0) }
      core.end()
    }.get()
  }

  package var statistics: WriterStatistics { core.statistics }
}

/// A second connection that is used once. It is closed before the result is told, since whoever waits for that may open
/// the store anew.
private final class LentReader: Sendable {
  private let reader: Mutex<StoreReader?>

  init(_ reader: StoreReader) { self.reader = Mutex(reader) }

  func use<Value>(_ body: (any Store) throws -> Value) throws -> Value {
    guard let reader = reader.withLock({ $0.take() }) else { throw LiveWriterError.closed }
    return try body(reader.store)
  }
}

/// Why a batch was not committed.
package enum LiveWriterError: Error, Hashable, Sendable {
  case closed
  case stopped(StoreError)
}

extension LiveWriterError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .closed: "the store is being closed; nothing more is taken"
    case .stopped(let error): "nothing more is stored: \(error)"
    }
  }
}

package struct WriterStatistics: Hashable, Sendable {
  package var queuedBatches = 0
  package var queuedCandles = 0
  package var queuedBytes = 0
  /// How often `submit` had to wait.
  package var waits = 0
  package var transactions = 0
  package var newCandles = 0
  package var revisedCandles = 0
  package var unchangedCandles = 0
  package var failures = 0
  package var checkpoints = 0
  /// Of the log of commits, after the last of them.
  package var logBytes = 0
  /// Memory of the store's pages, when it was last asked; `nil` before.
  package var storeBytes: Int?
  /// From receipt to being committed, by candle.
  package var latency = LatencyHistogram()
  /// Why commits fail at present; `nil` while all is well.
  package var failure: StoreError?

  package init() {}

  package var committedCandles: Int { newCandles + revisedCandles + unchangedCandles }
}
