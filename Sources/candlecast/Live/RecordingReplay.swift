import Ingestion
import Market
import Operations
import Pipeline
import Storage
import Streams
import Tape
import Venues

/// Plays a recording back through the same core and pipeline as live, and stores the outcome where that is asked for.
struct RecordingReplay {
  struct Result {
    var records = 0
    var runs = 0
    var candles = 0
    var predictions = 0
    /// Equal to the fingerprint of the run that was recorded.
    var fingerprint = Fingerprint()
    /// What was added to the recorder's clock so that nothing arrives before it happened.
    var clockOffsetMicroseconds: Int64 = 0
    var report: LiveReport?
  }

  let context: CommandContext
  let path: String
  /// Where the rows go; nowhere if `nil`.
  let destination: (any Store)?
  /// The store that the recorded run began with.
  let history: StoreLocation
  /// Tells other roles of what was stored; they predict then.
  var publisher: CandlePublisher?
  /// Takes what can be learnt from; then nothing is predicted.
  var examples: TapeExamples?
  /// Hears what is said between candles; then nothing is predicted that it does not follow from.
  var witness: TickWitness?
  /// The store that the recorded runs began with, where it is open already.
  var openHistory: (any Store)?

  private var predicts: Bool { publisher == nil && examples == nil }

  @discardableResult
  func run() throws -> Result {
    if let witness { return try recall(witness) }
    let reader = try RecordingReader(path)
    guard let first = try reader.next() else {
      throw CommandError(.badData, "\(path) holds no records")
    }
    var result = Result()
    if first.kind == .start {
      try playRuns(first, reader, &result)
    } else if first.isForeign {
      try playFrames(first, reader, &result)
    } else {
      throw CommandError(
        .badData,
        "\(path) begins in the middle of a run: the segment with its start is gone; choose a folder that still has it")
    }
    return result
  }

  // MARK: Our own recordings

  /// Plays the runs that reach into the moments of a witness. Where a run's start is gone, so is what it said.
  private func recall(_ witness: TickWitness) throws -> Result {
    var result = Result()
    var others = try runs(before: witness.moments.lowerBound)
    let reader = try RecordingReader(path)
    while let record = try reader.next() {
      guard record.kind == .start else { continue }
      guard others > 0 else {
        try playRuns(record, reader, &result)
        break
      }
      others -= 1
    }
    return result
  }

  /// How many had ended by then.
  private func runs(before moment: Timestamp) throws -> Int {
    let reader = try RecordingReader(path)
    var starts = 0
    while let record = try reader.next(), record.time <= moment {
      if record.kind == .start { starts += 1 }
    }
    return max(0, starts - 1)
  }

  private func playRuns(_ first: TapeRecord, _ reader: RecordingReader, _ result: inout Result) throws {
    let history = RecordedHistory(
      history, open: openHistory, destination: destination, isDestination: history == context.store)
    var record: TapeRecord? = first
    var player: Player?
    while let current = record {
      if context.isStopRequested { throw CommandError(.failed, "stopped; what was played back so far is stored") }
      if let start = try LiveTape.start(of: current) {
        try player?.dropUnstored(before: start, history)
        try player?.finish(&result)
        player = try begin(start, history)
        result.runs += 1
      } else if let served = try LiveTape.served(of: current) {
        if let player, publisher == nil { try serve(served, player.predictor.view, player.predictor) }
      } else if let input = try LiveTape.input(of: current) {
        try player?.step(input)
      }
      result.records += 1
      if let witness, current.time >= witness.moments.upperBound { break }
      record = try reader.next()
    }
    try player?.finish(&result)
  }

  private func begin(_ recorded: LiveStart, _ history: RecordedHistory) throws -> Player {
    var start = recorded
    start.plan.thresholds.makesMarketData = context.configuration.boolean("tape.market_data") ?? false
    let catalogue = VenueCatalogue(configuration: context.configuration)
    let protocols = try start.plan.feeds.map { try catalogue.feed($0.interface, $0.venue) }
    let known = Dictionary(start.memories.map { ($0.venue, $0.memory) }) { _, last in last }
    var core = LiveCore(start.plan, protocols: protocols, memories: known, now: start.time)
    let predictor = LivePredictor(
      view: start.view, mode: .replay, cadence: predicts ? start.cadence : nil)
    try examples?.begin(start.view)
    witness?.begin(start)
    if predicts {
      for target in start.versions { try serve(target, start.view, predictor) }
      try setArms(start.arms ?? [], start.view, predictor)
    }
    let store = try start.history.map { try warmUp(predictor, &core, start, $0, try history.opened()) }
    return try Player(
      core, predictor, history: store.map { ($0, start.time) }, destination: destination, publisher: publisher,
      teller: publisher != nil
        ? start.cadence.map { TickTeller(start.view, $0, source: RoleSource.replay) } : nil,
      examples: examples, witness: witness)
  }

  private func serve(_ target: LiveStart.ServedTarget, _ view: MarketView, _ predictor: LivePredictor) throws {
    guard witness == nil || target.target.isOfTicks || target.target.isWindow else { return }
    let standing = target.unpromotedReason.map { ServedVersion.Standing.unpromoted(reason: $0) } ?? .production
    if target.target.isOfTicks {
      predictor.serveTicks(try loaded(target) { try context.tickVersion($0, view, target.target, standing) })
    } else {
      predictor.serve(
        target.target,
        with: try loaded(target) { try context.version($0, view, target.target, standing: standing) })
    }
  }

  private func setArms(_ recorded: [LiveStart.Arm], _ view: MarketView, _ predictor: LivePredictor) throws {
    for target in PredictionTarget.all where witness == nil || target.isWindow {
      let arms = try arms(of: target, recorded) { try context.version($0, view, target, standing: $1) }
      if !arms.isEmpty { predictor.setArms(arms, of: target) }
    }
    let target = TickDecisions.target
    predictor.setTickArms(try arms(of: target, recorded) { try context.tickVersion($0, view, target, $1) })
  }

  private func arms<Version>(
    of target: PredictionTarget, _ recorded: [LiveStart.Arm],
    _ load: (String, ServedVersion.Standing) throws -> Version
  ) throws -> [ServedArm<Version>] {
    let arms = recorded.filter { $0.target == target }
    return try zip(arms, ArmLine.parts(of: arms.map(\.share))).compactMap { arm, part in
      try loaded(
        LiveStart.ServedTarget(target: target, version: arm.version, unpromotedReason: arm.reason)
      ) { ServedArm(part: part, version: try load($0, .unpromoted(reason: arm.reason))) }
    }
  }

  /// A witness hears what the others say, also where the version is gone.
  private func loaded<Version>(
    _ target: LiveStart.ServedTarget, _ load: (String) throws -> Version?
  ) throws -> Version? {
    do {
      return try target.version.flatMap(load)
    } catch {
      guard witness != nil else { throw error }
      return nil
    }
  }

  private func warmUp(
    _ predictor: LivePredictor, _ core: inout LiveCore, _ start: LiveStart, _ recorded: LiveStart.History,
    _ source: any Store
  ) throws -> any Store {
    let found = try predictor.warmUp(from: source, asOf: start.time)
    guard found == recorded else {
      throw CommandError(
        .badData,
        "the recorded run began with \(recorded.candles.grouped) candles of \(start.view) (\(recorded.fingerprint)), and "
          + "\(self.history) had \(found.map { "\($0.candles.grouped) (\($0.fingerprint))" } ?? "none") at \(start.time); "
          + "name the store it began with by --history")
    }
    try core.prime(from: source, before: start.time)
    try examples?.warmUp(from: source, asOf: start.time)
    try witness?.warmUp(start.view, from: source, asOf: start.time)
    return source
  }

  // MARK: Frames of somebody else's recorder

  private func playFrames(_ first: TapeRecord, _ reader: RecordingReader, _ result: inout Result) throws {
    let catalogue = VenueCatalogue(configuration: context.configuration)
    let venue = context.series.venue
    let feed = try catalogue.feed(try catalogue.interface(of: venue), venue)
    let survey = try survey(feed)
    let offset = survey.clockOffsetMicroseconds
    result.clockOffsetMicroseconds = offset
    let begin = first.time.adding(microseconds: offset)
    let planner = LivePlanner(context: context, catalogue: catalogue, now: begin)
    var plan = try planner.plan(
      Channel.allCases, candlesPerRequest: "gaps.backfill_batch_size", from: nil)
    for index in plan.feeds.indices {
      plan.feeds[index].makesCandlesOfTrades = !survey.hasKlines && feed.candleSource == .klines
      for series in plan.feeds[index].series.indices { plan.feeds[index].series[series].firstMinute = begin.minute + 1 }
    }
    let protocols = try plan.feeds.map { try catalogue.feed($0.interface, $0.venue) }
    let predictor = LivePredictor(view: try planner.view, mode: .replay)
    try examples?.begin(try planner.view)
    if predicts {
      predictor.serve(context.target, with: try context.servedVersion(predictor.view, context.target))
    }
    let core = LiveCore(plan, protocols: protocols, now: begin)
    let player = try Player(
      core, predictor, history: nil, destination: destination, publisher: publisher, teller: nil,
      examples: examples)
    guard let socket = player.firstSocket else {
      throw CommandError(.badData, "\(venue) has no sockets, so a recording of frames cannot be its")
    }
    try player.step(StampedInput(.opened(socket), at: begin))
    var record: TapeRecord? = first
    var ticked = begin
    while let current = record {
      if context.isStopRequested { throw CommandError(.failed, "stopped; what was played back so far is stored") }
      let time = current.time.adding(microseconds: offset)
      while time.microseconds - ticked.microseconds >= 1_000_000 {
        ticked = ticked.adding(microseconds: 1_000_000)
        try player.step(StampedInput(.tick, at: ticked))
      }
      try player.step(StampedInput(.frame(socket, current.payload, isBinary: current.kind == .binary), at: time))
      result.records += 1
      record = try reader.next()
    }
    result.runs = 1
    try player.finish(&result)
    try destination?.setMeta("clock_offset_us:\(path)", String(offset))
  }

  /// What must be known of a recording before it is played back.
  private struct Survey {
    /// The largest lead of an event over its recorded arrival.
    var clockOffsetMicroseconds: Int64 = 0
    var hasKlines = false
  }

  private func survey(_ feed: any FeedProtocol) throws -> Survey {
    let reader = try RecordingReader(path)
    var survey = Survey()
    var clock = ArrivalClock()
    while let record = try reader.next() {
      record.payload.withUnsafeBufferPointer { bytes in
        // What cannot be decoded says nothing; playing it back reports it.
        try? feed.decode(bytes, isBinary: record.kind == .binary) { message in
          _ = clock.arrival(record.time, of: message.time)
          if case .kline = message { survey.hasKlines = true }
        }
      }
    }
    survey.clockOffsetMicroseconds = clock.offsetMicroseconds
    return survey
  }
}

extension TapeRecord {
  fileprivate var time: Timestamp { Timestamp(microseconds: arrivalNanoseconds.flooredQuotient(1000)) }

  /// A frame without a run around it: of somebody else's recorder, or of an archive of trades.
  fileprivate var isForeign: Bool {
    (kind == .text || kind == .binary) && (source.hasPrefix("recording/") || source.contains("/archive/"))
  }
}

extension VenueMessage {
  /// When the venue says it happened.
  fileprivate var time: Timestamp? {
    switch self {
    case .kline(_, let kline): kline.time
    case .trade(_, let trade): trade.time
    case .quote(_, let quote): quote.time
    case .book(_, let update): update.time
    case .oracle(let tick): tick.time
    case .heartbeat(_, let time, _): time
    case .dropped, .shutdown, .control: nil
    }
  }
}

/// The store that recorded runs began with; opened when the first of them needs it.
private final class RecordedHistory {
  private let location: StoreLocation
  private let destination: (any Store)?
  /// What is played back goes where it came from.
  let isDestination: Bool
  private var store: (any Store)?

  /// - Parameter open: it, where it is open already.
  init(_ location: StoreLocation, open: (any Store)?, destination: (any Store)?, isDestination: Bool) {
    (self.location, store, self.destination) = (location, open, destination)
    self.isDestination = isDestination && destination != nil
  }

  func opened() throws -> any Store {
    if let destination, isDestination { return destination }
    if let store { return store }
    let opened = try location.openForReading()
    store = opened
    return opened
  }
}

/// One recorded run while it is played back.
private final class Player {
  /// In this order.
  private struct Told {
    let moment: TickBatch?
    let events: [MarketEvent]
    let full: [TickBatch]

    var ticks: [TickBatch] { [moment].compactMap(\.self) + full }
  }

  private static let batchSize = 512
  /// More than a run can have on the tape and not in its store.
  private static let held = 2048

  private var core: LiveCore
  let predictor: LivePredictor
  /// What the run began with, and when.
  private let history: (store: any Store, time: Timestamp)?
  private let destination: (any Store)?
  private var taken: [MarketEvent] = []
  private let publisher: CandlePublisher?
  private var teller: TickTeller?
  private let examples: TapeExamples?
  private let witness: TickWitness?
  /// What is played back goes somewhere; else none of it is held.
  private var isTold: Bool { destination != nil || publisher != nil }
  private var waiting: [LiveBatch] = []
  /// Of each batch that waits: what other roles are told.
  private var told: [Told] = []
  let firstSocket: SocketID?

  init(
    _ core: LiveCore, _ predictor: LivePredictor, history: (store: any Store, time: Timestamp)?,
    destination: (any Store)?, publisher: CandlePublisher?, teller: TickTeller?, examples: TapeExamples?,
    witness: TickWitness? = nil
  ) throws {
    self.core = core
    (self.predictor, self.history) = (predictor, history)
    (self.destination, self.publisher, self.teller) = (destination, publisher, teller)
    (self.examples, self.witness) = (examples, witness)
    let output = self.core.start()
    firstSocket = output.actions.lazy.compactMap { if case .connect(let id, _) = $0 { id } else { nil } }.first
    try take(output)
  }

  func step(_ input: StampedInput) throws { try take(core.step(input.input, at: input.time)) }

  private func take(_ output: LiveOutput) throws {
    var batch = output.batch
    batch.predictions = predictor.take(output, now: batch.knownAt)
    examples?.take(output, at: batch.knownAt)
    witness?.take(output, batch.predictions, at: batch.knownAt)
    taken += output.events
    let moment = teller?.advance(to: batch.knownAt)
    let full = teller?.take(output, now: batch.knownAt) ?? []
    if isTold, !batch.isEmpty || moment != nil || !full.isEmpty {
      waiting.append(batch)
      told.append(Told(moment: moment, events: output.events, full: full))
    }
    if predictor.needsRebuild { try rebuild() }
    if waiting.count >= Self.held + Self.batchSize { try flush(Self.batchSize) }
  }

  private func flush(_ count: Int) throws {
    if let destination, count > 0 { try destination.commit(Array(waiting[..<count])) }
    if let publisher {
      for (batch, told) in zip(waiting, told).prefix(count) {
        try publisher.wait(told.moment.map { [$0] } ?? [])
        try publisher.wait(told.events, knownAt: batch.knownAt)
        try publisher.wait(told.full)
      }
    }
    waiting.removeFirst(count)
    told.removeFirst(count)
  }

  /// Lets go of what a crash kept the run from storing: the tape is ahead of the store, and the next run did it anew.
  func dropUnstored(before next: LiveStart, _ history: RecordedHistory) throws {
    guard destination != nil, !history.isDestination,
      waiting.contains(where: { !$0.candles.isEmpty || !$0.predictions.isEmpty })
        || told.contains(where: { !$0.ticks.isEmpty })
    else { return }
    let store = try history.opened()
    let hasCandles = next.history != nil
    let last = try waiting.indices.lastIndex { index in
      let batch = waiting[index]
      return try isStored(batch.predictions, in: store) || isDecidedOn(told[index].ticks, in: store)
        || hasCandles
          && batch.candles.contains { candle in
            let open = candle.record.candle.openTime
            return try store.candles(candle.series, in: open..<open.adding(minutes: 1), asOf: next.time).contains {
              $0.knownAt >= batch.knownAt
            }
          }
    }
    drop(from: last.map { $0 + 1 } ?? 0)
  }

  /// Predictions between candles may be stored after the last candle that was.
  private func isStored(_ predictions: [Prediction], in store: any Store) throws -> Bool {
    guard let last = predictions.last(where: \.target.isOfTicks) else { return false }
    let filter = PredictionFilter(
      range: last.time..<last.time.adding(microseconds: 1), view: last.view, target: last.target, mode: .live)
    return try !store.predictions(filter).isEmpty
  }

  /// The same for moments that other roles are told of.
  private func isDecidedOn(_ ticks: [TickBatch], in store: any Store) throws -> Bool {
    try ticks.contains { batch in
      guard let moment = batch.moment else { return false }
      let filter = PredictionFilter(
        range: moment..<moment.adding(microseconds: 1), view: predictor.view, target: TickDecisions.target, mode: .live)
      return try !store.predictions(filter).isEmpty
    }
  }

  private func drop(from index: Int) {
    waiting.removeSubrange(index...)
    told.removeSubrange(index...)
  }

  /// With the candles as they stand: those the run began with, and over them what came since.
  private func rebuild() throws {
    let view = predictor.view
    let newer = Dictionary(
      uniqueKeysWithValues: view.series.map { ($0, taken.newestVersions(of: $0).map(\.candle)) })
    let stored = try history.flatMap { store, _ in try store.summary(of: view.price)?.period }
    let starts = [stored?.lowerBound, newer[view.price]?.first?.openTime].compactMap(\.self)
    let ends = [stored?.upperBound, newer[view.price]?.last?.openTime.adding(minutes: 1)].compactMap(\.self)
    let period = starts.min().flatMap { start in ends.max().map { start..<$0 } }
    try predictor.rebuild(in: period) { series, piece in
      var candles = Dictionary(
        uniqueKeysWithValues: try history.map { store, time in
          try store.candles(series, in: piece, asOf: time).map { ($0.candle.openTime, $0.candle) }
        } ?? [])
      for candle in newer[series] ?? [] where piece.contains(candle.openTime) { candles[candle.openTime] = candle }
      return candles.values.sorted { $0.openTime < $1.openTime }
    }
  }

  func finish(_ result: inout RecordingReplay.Result) throws {
    while !waiting.isEmpty { try flush(min(waiting.count, Self.batchSize)) }
    result.candles += taken.count
    result.predictions += predictor.predictions
    result.fingerprint = predictor.fingerprint
    result.report = core.report
  }
}

extension RecordingReplay.Result {
  var text: String {
    var lines =
      report?.feeds.flatMap(\.series).map { one in
        "\(one.series): \(one.counts.live.grouped) candles live, \(one.counts.patched.grouped) patched, "
          + "\(one.counts.trades.grouped) trades, \(Int(one.missingMinutes).grouped) minutes missing"
      } ?? []
    if clockOffsetMicroseconds > 0 {
      lines.append(
        "the recorder's clock was \(clockOffsetMicroseconds / 1000) ms behind the venue's; arrivals are corrected")
    }
    lines.append(
      "\(records.grouped) records of \(runs.grouped) run\(runs == 1 ? "" : "s"); \(candles.grouped) candles, \(predictions.grouped) predictions, "
        + "fingerprint \(fingerprint)")
    return lines.joined(separator: "\n")
  }

  var json: JSONValue {
    [
      "records": JSONValue(records), "runs": JSONValue(runs), "candles": JSONValue(candles),
      "predictions": JSONValue(predictions), "fingerprint": .text(fingerprint.description),
      "clock_offset_microseconds": .integer(clockOffsetMicroseconds),
    ]
  }
}
