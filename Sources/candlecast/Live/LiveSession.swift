import Ingestion
import Market
import Models
import Operations
import Pipeline
import Serving
import Storage
import Synchronization
import Tape
import Transport
import Venues

/// A live feed from its start to its end: what is received goes to the tape, the store and the pipeline.
struct LiveSession: Sendable {
  struct Options: Sendable {
    /// Empty fetches what is missing and ends.
    var channels: [Channel] = []
    /// Knob with the number of candles a request.
    var requestKnob = "gaps.backfill_batch_size"
    var predicts = false
    var stores = true
    var records = false
    var servesHealth = false
    /// A plan made elsewhere, instead of the planner's.
    var plan: LivePlan?
    /// Tells other roles of what was stored.
    var publisher: CandlePublisher?
    /// The feed ends soon after it says so.
    var isStopRequested: @Sendable () -> Bool = { Signals.isStopRequested }
    /// Where others see how the feed stands.
    var status = LiveStatus()
  }

  struct Result: Sendable {
    var writer = WriterStatistics()
    var report: LiveReport
    var predictions = 0
    var fingerprint = Fingerprint()
    var tape: LiveStatus.TapeFacts?
  }

  let context: CommandContext
  let options: Options
  private let catalogue: VenueCatalogue

  init(_ context: CommandContext, _ options: Options) {
    (self.context, self.options) = (context, options)
    catalogue = VenueCatalogue(configuration: context.configuration)
  }

  func run() async throws -> Result {
    // A port that is taken is found before anything is opened.
    let server = options.servesHealth ? try LiveServer(context, options) : nil
    do {
      return try await run(serving: server)
    } catch {
      await server?.stop()
      throw error
    }
  }

  /// - Parameter server: has its ports already; it is stopped with the feed.
  func run(serving server: LiveServer?) async throws -> Result {
    let http = try HTTPClient(HTTPClient.Options(context.configuration))
    let clock = try await ClockSource(catalogue: catalogue, http: http).clock(of: try venues())
    let start = try start(at: clock.now())
    // Reading versions and history leaves much that is free and not given back.
    FreeMemory.giveBack()
    let writer = options.stores ? try openWriter() : nil
    let tape = options.records ? try openTape() : nil
    options.status.runs(by: clock)
    if let server {
      server.store.open(writer)
      context.output.line("the page: \(server.page)")
      context.output.line(server.portsText)
    }
    let result = try await feed(start, clock, http, writer, tape, server)
    await server?.stop()
    return result
  }

  // MARK: Start

  /// What is fixed before the first input.
  private struct Start {
    var core: LiveCore
    var record: LiveStart
    let predictor: LivePredictor?
    let memories: FeedMemoryFile
  }

  private func venues() throws -> [Venue] {
    if let plan = options.plan { return plan.feeds.map(\.venue) }
    return try LivePlanner(context: context, catalogue: catalogue, now: .distantPast).venues
  }

  private func start(at now: Timestamp) throws -> Start {
    let store = options.stores ? try context.openForWriting() : nil
    let planner = LivePlanner(context: context, catalogue: catalogue, now: now)
    let plan =
      try options.plan ?? planner.plan(options.channels, candlesPerRequest: options.requestKnob, from: store)
    let memories = FeedMemoryFile(in: context.stateFolder)
    let remembered = options.stores ? try memories.read() : []
    let view = try planner.view
    let isFollowed = options.predicts || options.publisher != nil
    let cadence = isFollowed && options.channels.contains(.trades) ? TickCadence(context.configuration) : nil
    let predictor =
      options.predicts
      ? LivePredictor(view: view, mode: .live, cachedTarget: cachedTarget, cadence: cadence) : nil
    var versions = try predictor.map { try serve($0) } ?? []
    let arms = try predictor.map { try setArms($0) } ?? []
    if let predictor, cadence != nil { versions.append(try serveTicks(predictor)) }
    let history = try store.flatMap { try predictor?.warmUp(from: $0, asOf: now) }
    let protocols = try plan.feeds.map { try catalogue.feed($0.interface, $0.venue) }
    let known = Dictionary(remembered.map { ($0.venue, $0.memory) }) { _, last in last }
    var core = LiveCore(plan, protocols: protocols, memories: known, now: now)
    if let store {
      try core.prime(from: store, before: now)
      if options.predicts { try context.recordModels(in: store) }
    }
    let record = LiveStart(
      time: now, plan: plan, memories: remembered, view: view, versions: versions, history: history,
      cadence: cadence, arms: arms.isEmpty ? nil : arms)
    return Start(core: core, record: record, predictor: predictor, memories: memories)
  }

  private var cachedTarget: PredictionTarget? {
    options.stores && context.isWanted("features.cache") ? context.target : nil
  }

  private func serve(_ predictor: LivePredictor) throws -> [LiveStart.ServedTarget] {
    try context.answering(predictor.view).map { target, version in
      predictor.serve(target, with: version)
      options.status.models?.serve(target, with: version)
      return LiveStart.ServedTarget(target, .candles(version))
    }
  }

  private func setArms(_ predictor: LivePredictor) throws -> [LiveStart.Arm] {
    let arms = try ModelArms(context, predictor.view)
    for (target, served) in arms.served { predictor.setArms(served, of: target) }
    predictor.setTickArms(arms.ticks)
    for sentence in arms.sentences { context.log.write(.info, "models", sentence) }
    return arms.recorded
  }

  private func serveTicks(_ predictor: LivePredictor) throws -> LiveStart.ServedTarget {
    let version = try context.servedTickVersion(predictor.view)
    predictor.serveTicks(version)
    return LiveStart.ServedTarget(TickDecisions.target, .ticks(version))
  }

  private func openWriter() throws -> LiveWriter {
    let (log, store, server) = (context.log, context.store, StoreChoice(context.configuration).limits)
    var limits = LiveWriter.Limits(context.configuration)
    // Until the log is folded into the file the database holds its changes in memory, a kilobyte for each commit.
    limits.logBytes = 1 << 20
    return try LiveWriter(limits, report: { log.write($0) }) { () throws(StoreError) in
      try store.open(.create, memoryMegabytes: 64, limits: server)
    }
  }

  private func openTape() throws -> TapeRecorder {
    let folder = context.configuration.text("tape.directory") ?? "feature_store/tape"
    let tape = try TapeWriter(folder: folder, TapeOptions(context.configuration))
    for cut in tape.cuts { context.log.write(.warning, "tape", "\(cut)") }
    return try TapeRecorder(tape, folder: folder)
  }

  // MARK: Run

  /// `nil` where nothing is said between candles.
  private func teller(_ start: LiveStart) -> TickTeller? {
    guard options.publisher != nil, let cadence = start.cadence else { return nil }
    return TickTeller(start.view, cadence, source: RoleSource.live)
  }

  private func feed(
    _ start: Start, _ clock: PipelineClock, _ http: HTTPClient, _ writer: LiveWriter?, _ tape: TapeRecorder?,
    _ server: LiveServer?
  ) async throws -> Result {
    var core = start.core
    let inbox = Inbox<StampedInput>(capacity: LiveShell.inboxCapacity)
    let webSockets = try WebSocketClient(WebSocketClient.Options(context.configuration))
    let links = try start.record.plan.feeds.map { feed in
      let endpoints = try catalogue.endpoints(feed.interface)
      return VenueLinks(
        rest: endpoints.rest, streams: endpoints.streams, http: http, webSockets: webSockets, clock: clock,
        inbox: inbox)
    }
    let shell = LiveShell(links: links, inbox: inbox, clock: clock)
    let models = start.predictor.map {
      ModelWatch(context, $0.view, serving: start.record.versions, options.status)
    }
    let keeper = LiveKeeper(
      context: context, clock: clock, writer: writer, tape: tape, predictor: start.predictor,
      memories: options.stores ? start.memories : nil, status: options.status, inbox: inbox,
      publisher: options.publisher, teller: teller(start.record),
      announcer: announcer(of: start.record, to: server),
      latest: server?.latest, models: models)
    try tape?.append(LiveTape.record(start.record))
    let watch = Task { await stopWhenAsked(shell, writer) }
    let tapeWatch = Task { await giveUpWhenStalled(tape) }
    let upkeep =
      options.predicts || options.publisher != nil
      ? writer.map { Upkeep(context: context, writer: $0, clock: clock, hub: server?.hub, status: options.status) }
      : nil
    let jobs = Task { await upkeep?.run() }
    let lending = Task { [lending = writer.flatMap { StoreLending(context, $0) }] in await lending?.run() }
    let reloads = Task { [context] in
      await models?.run { try await writer?.withStore { try context.recordModels(in: $0) } }
    }
    let reports = Task { [context, status = options.status] in await CloudReporter(context, status)?.run() }
    defer {
      reports.cancel()
      reloads.cancel()
      watch.cancel()
      tapeWatch.cancel()
      jobs.cancel()
      lending.cancel()
    }
    do {
      try await shell.run(&core) { input in
        tape?.append(LiveTape.record(input))
      } take: { output, core, now in
        try await keeper.take(output, core, now: now)
      }
    } catch is LiveWriterError where options.isStopRequested() {
      // The end says why.
    }
    webSockets.stop()
    return try await keeper.finish(core)
  }

  /// Who joins is told what answers from the start.
  private func announcer(of start: LiveStart, to server: LiveServer?) -> Announcer? {
    guard let server else { return nil }
    let announcer = Announcer(server.hub, options.status, server.latest.rules)
    for served in start.versions { announcer.tell(served, of: start.view.price.symbol, at: start.time) }
    return announcer
  }

  /// Ctrl-C and `kill` are seen within a twentieth of a second.
  private func stopWhenAsked(_ shell: LiveShell, _ writer: LiveWriter?) async {
    while !Task.isCancelled, !options.isStopRequested() { try? await Task.sleep(for: .milliseconds(50)) }
    shell.stop()
    // A store that refuses everything would be waited for without end.
    if let writer, writer.statistics.failure != nil { try? await writer.close() }
  }
}

extension LiveSession {
  private static let longestStallSeconds = 10.0
  private static let stallCheckSeconds = 0.1

  /// A disk that takes nothing for so long holds the feed up no longer. Counted are naps and not seconds, so that a
  /// process that was stopped does not blame the disk.
  private func giveUpWhenStalled(_ tape: TapeRecorder?) async {
    guard let tape else { return }
    var passes = tape.passes
    var stalledSeconds = 0.0
    while !Task.isCancelled {
      try? await Task.sleep(for: .seconds(Self.stallCheckSeconds))
      guard tape.isBusy, tape.passes == passes else {
        (passes, stalledSeconds) = (tape.passes, 0)
        continue
      }
      stalledSeconds += Self.stallCheckSeconds
      if stalledSeconds >= Self.longestStallSeconds {
        tape.giveUp("the disk has taken nothing for \(Int(Self.longestStallSeconds)) s")
      }
    }
  }
}

extension Log {
  func write(_ event: LiveWriter.Event) {
    switch event {
    case .failed(let error, let attempt, let seconds):
      write(.error, "store", "attempt \(attempt) failed, the next is in \(seconds) s: \(error)")
    case .recovered(let attempts): write(.info, "store", "stored after \(attempts) attempts; nothing was lost")
    case .stopped(let error): write(.error, "store", "nothing more is stored: \(error)")
    }
  }
}
