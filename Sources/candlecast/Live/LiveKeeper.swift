import Ingestion
import Market
import Operations
import Platform
import Serving
import Storage
import Synchronization
import Tape

/// Keeps what a live core gives: rows to the store, lines to the log, predictions of sealed candles.
final class LiveKeeper {
  private let context: CommandContext
  private let clock: PipelineClock
  private let writer: LiveWriter?
  private let tape: TapeRecorder?
  private let predictor: LivePredictor?
  private let memories: FeedMemoryFile?
  private let status: LiveStatus
  private let inbox: Inbox<StampedInput>
  private let publisher: CandlePublisher?
  private var teller: TickTeller?
  private let announcer: Announcer?
  private let latest: LatestPredictions?
  private let models: ModelWatch?
  private let inferenceLog: InferenceLog
  private let storedLog: StoredLog?
  private var kept: [Venue: FeedMemory] = [:]
  /// Predictions made between candles that wait for others, so that not each costs a commit.
  private var between: [Prediction] = []
  private var betweenAt = 0.0
  /// Of what was served.
  private var states: [String: Int] = [:]
  private var arms: [Prediction.Arm: Int] = [:]
  private var measures = PredictionMeasures()
  private var recovery: Recovery
  private var factsAt = 0.0
  /// Files beside the store that could not be written the last time.
  private var unwritten: Set<String> = []
  /// How often in all.
  private var failedFiles = 0
  private var isTapeStopped = false

  init(
    context: CommandContext, clock: PipelineClock, writer: LiveWriter?, tape: TapeRecorder?, predictor: LivePredictor?,
    memories: FeedMemoryFile?, status: LiveStatus, inbox: Inbox<StampedInput>,
    publisher: CandlePublisher? = nil, teller: TickTeller? = nil, announcer: Announcer? = nil,
    latest: LatestPredictions? = nil,
    models: ModelWatch? = nil
  ) {
    (self.publisher, self.announcer, self.latest, self.models) = (publisher, announcer, latest, models)
    self.teller = teller
    (self.context, self.clock, self.writer, self.tape) = (context, clock, writer, tape)
    (self.predictor, self.memories, self.status, self.inbox) = (predictor, memories, status, inbox)
    recovery = Recovery(since: status.startedSeconds)
    inferenceLog = InferenceLog(folder: context.logFolder)
    storedLog = writer != nil && context.configuration.boolean("log.store") == true ? StoredLog() : nil
    if let storedLog { context.log.setFollower { storedLog.append($0) } }
  }

  func take(_ output: LiveOutput, _ core: borrowing LiveCore, now: Timestamp) async throws {
    for note in output.notes { context.log.write(note) }
    var batch = output.batch
    let made = predict(output)
    batch.predictions = toStore(made, with: batch)
    batch.features = predictor?.features ?? []
    batch.log = storedLog?.take(at: now) ?? []
    if let moment = teller?.advance(to: output.batch.knownAt) { try await publisher?.publish([moment]) }
    if let writer, !batch.isEmpty {
      // What is stored can be played back: its inputs are on the tape before it is in the store.
      if !batch.candles.isEmpty || !batch.predictions.isEmpty { await tape?.flush() }
      let received = clock.wallNanoseconds(of: now)
      if let publisher, !output.events.isEmpty {
        // Who is told of a candle finds it in the store.
        _ = try await writer.commit(batch, receivedNanoseconds: received)
        try await publisher.publish(output.events, knownAt: batch.knownAt)
      } else {
        try await writer.submit(batch, receivedNanoseconds: received)
      }
    }
    if let full = teller?.take(output, now: output.batch.knownAt) { try await publisher?.publish(full) }
    let told = made.filter(\.isServed)
    latest?.note(told)
    announcer?.tell(output, told)
    if let predictor, predictor.needsRebuild { try await rebuild(predictor, now: now) }
    if let predictor, let models {
      try adopt(models.take(), predictor, now)
      for refusal in models.takeRefusals() { announcer?.tell(refusal, of: predictor.view.price.symbol, at: now) }
    }
    if SystemClock.seconds() - factsAt >= 0.5 {
      note(core)
      tape?.advance(to: now.microseconds * 1000)
    }
  }

  /// At the step's own time, as a replay does it.
  private func predict(_ output: LiveOutput) -> [Prediction] {
    guard let predictor else { return [] }
    let predictions = predictor.take(output, now: output.batch.knownAt)
    if let moment = predictor.moment(after: status.features.time) { status.features.note(moment) }
    guard !predictions.isEmpty else { return [] }
    let told = predictions.filter(\.isServed)
    for prediction in told { states[prediction.state, default: 0] += 1 }
    measures.add(told, at: output.batch.knownAt)
    for prediction in predictions { arms[prediction.arm, default: 0] += 1 }
    attempt("inference log") { try inferenceLog.append(told) }
    return predictions
  }

  /// After everything that this input led to, so that a replay puts it at the same place.
  private func adopt(_ changes: [ModelWatch.Change], _ predictor: LivePredictor, _ now: Timestamp) throws {
    for change in changes {
      tape?.append(try LiveTape.record(change.served, at: now))
      switch change.answer {
      case .candles(let version):
        predictor.serve(change.served.target, with: version)
        status.models?.serve(change.served.target, with: version)
      case .ticks(let version): predictor.serveTicks(version)
      }
      status.noteReload(.switched)
      context.log.write(.info, "models", change.served.sentence)
      announcer?.tell(change.served, of: predictor.view.price.symbol, at: now)
    }
  }

  /// Those made between candles are stored about once a second, or with what is stored anyway.
  private func toStore(_ made: [Prediction], with batch: LiveBatch) -> [Prediction] {
    between += made
    let isDue = SystemClock.seconds() - betweenAt >= Self.storeSeconds
    guard isDue || !batch.isEmpty || made.contains(where: { !$0.target.isOfTicks }) else { return [] }
    defer { (between, betweenAt) = ([], SystemClock.seconds()) }
    return between
  }

  private static let storeSeconds = 1.0

  /// What matters is in the store; a file beside it that cannot be written is told once, and ends nothing.
  private func attempt(_ file: String, _ work: () throws -> Void) {
    do {
      try work()
      if unwritten.remove(file) != nil { context.log.write(.info, "store", "\(file): written again") }
    } catch {
      failedFiles += 1
      if unwritten.insert(file).inserted { context.log.write(.error, "store", "\(file): \(error)") }
    }
  }

  /// Late truth from before everything the pipeline keeps: everything stored by now is folded anew.
  private func rebuild(_ predictor: LivePredictor, now: Timestamp) async throws {
    guard let writer else { return }
    try await writer.flush()
    let view = predictor.view
    let period = try await writer.withStore { try $0.summary(of: view.price)?.period }
    predictor.beginRebuild()
    for piece in MarketView.pieces(of: period) {
      predictor.rebuild(
        with: try await writer.withStore { store in
          try view.joined { try store.candles($0, in: piece).map(\.candle) }
        })
    }
    predictor.endRebuild()
  }

  private func note(_ core: borrowing LiveCore) {
    factsAt = SystemClock.seconds()
    let report = core.report
    recovery.note(report, at: factsAt)
    status.set(facts(report))
    announcer?.tellHealth(at: clock.now())
    noteTape()
    let memories = core.memories
    guard let file = self.memories, memories != kept else { return }
    attempt("venue limits") {
      try file.write(memories.map { FeedMemoryEntry(venue: $0.key, memory: $0.value) })
      kept = memories
    }
  }

  /// Recording ends when the disk refuses; the feed goes on without it.
  private func noteTape() {
    guard !isTapeStopped, let error = tape?.facts.failure else { return }
    isTapeStopped = true
    context.log.write(.error, "tape", "nothing more is recorded: \(error)")
  }

  private func facts(_ report: LiveReport) -> LiveStatus.Facts {
    LiveStatus.Facts(
      report: report, writer: writer?.statistics ?? WriterStatistics(), inboxWaits: inbox.waits, tape: tapeFacts,
      predictions: states, arms: arms, measures: measures, recovery: recovery, failedFiles: failedFiles, isReady: true)
  }

  private var tapeFacts: LiveStatus.TapeFacts? {
    (tape?.facts).map {
      LiveStatus.TapeFacts(counts: $0.counts, bytes: $0.folderBytes, isRecording: $0.failure == nil)
    }
  }

  /// Stores what waits and closes everything.
  func finish(_ core: borrowing LiveCore) async throws -> LiveSession.Result {
    await storeRestOfPredictions()
    await tape?.close()
    note(core)
    await storeRestOfLog()
    try await writer?.close()
    return LiveSession.Result(
      writer: writer?.statistics ?? WriterStatistics(), report: core.report, predictions: predictor?.predictions ?? 0,
      fingerprint: predictor?.fingerprint ?? Fingerprint(), tape: tapeFacts)
  }
}

extension LiveKeeper {
  private func storeRestOfPredictions() async {
    guard !between.isEmpty, let writer else { return }
    await tape?.flush()
    var batch = LiveBatch(knownAt: clock.now())
    batch.predictions = between
    between = []
    // What cannot be stored is on the tape.
    try? await writer.submit(batch)
  }

  private func storeRestOfLog() async {
    guard let storedLog else { return }
    context.log.setFollower(nil)
    var batch = LiveBatch(knownAt: clock.now())
    batch.log = storedLog.take(at: batch.knownAt)
    // What cannot be stored is in the files.
    try? await writer?.submit(batch)
  }
}

extension LiveBatch {
  var isEmpty: Bool {
    candles.isEmpty && predictions.isEmpty && ledger.isEmpty && quality.isEmpty && ticks.isEmpty
      && oracleMinutes.isEmpty && marketData.isEmpty && features.isEmpty && log.isEmpty
  }
}

extension Log {
  fileprivate func write(_ note: LiveNote) {
    let level: LogLevel =
      switch note.level {
      case .debug: .debug
      case .info: .info
      case .warning: .warning
      case .error: .error
      }
    write(level, note.part, note.message, symbol: note.series?.symbol)
  }
}
