import Ingestion
import Market
import Operations
import Redis
import Storage
import Streams
import Transport

/// Some of the roles in this process; the others are played elsewhere, on the same store and streams.
struct RoleSession: Sendable {
  struct Result: Sendable {
    var ingest: LiveSession.Result?
    var replay: RecordingReplay.Result?
    var candles = 0
    var vectors = 0
    var points = 0
    /// Of the points: those that came when it had been said already that none had.
    var latePoints = 0
    var predictions = 0
    var fingerprint: Fingerprint?

    mutating func add(_ other: Result) {
      ingest = ingest ?? other.ingest
      candles += other.candles
      vectors += other.vectors
      points += other.points
      latePoints += other.latePoints
      predictions += other.predictions
      fingerprint = fingerprint ?? other.fingerprint
    }
  }

  let context: CommandContext
  let roles: Set<Role>
  private let catalogue: VenueCatalogue

  init(_ context: CommandContext, _ roles: Set<Role>) {
    (self.context, self.roles) = (context, roles)
    catalogue = VenueCatalogue(configuration: context.configuration)
  }

  func run(_ options: LiveSession.Options) async throws -> Result {
    try await withThrowingTaskGroup { tasks in
      for role in roles { tasks.addTask { try await play(role, options) } }
      return try await tasks.reduce(into: Result()) { $0.add($1) }
    }
  }

  /// Plays a recording back as the role that collects.
  func replay(_ replay: inout RecordingReplay) throws -> Result {
    let stream = try RoleStreams(context: context).stream(RoleStreams.candles)
    replay.publisher = CandlePublisher(stream: stream, view: context.view, source: RoleSource.replay)
    let work = StreamWork()
    let running = Task { await work.run(stream) }
    defer { running.cancel() }
    var result = Result()
    do {
      result.replay = try replay.run()
      try Blocking.run {
        try await stream.flush()
        await stream.close()
      }
    } catch {
      throw work.failure ?? error
    }
    return result
  }

  // MARK: Roles

  private func play(_ role: Role, _ options: LiveSession.Options) async throws -> Result {
    switch role {
    case .ingest: try await ingest(options)
    case .features: try await features(options)
    case .predict: try await predict(options)
    }
  }

  private func ingest(_ options: LiveSession.Options) async throws -> Result {
    try await with(options, RoleStreams.candles, nil) { options, stream, _ in
      var options = options
      options.predicts = false
      options.publisher = CandlePublisher(stream: stream, view: context.view, source: RoleSource.live)
      let collected = try await LiveSession(context, options).run()
      try await stream.flush()
      return Result(ingest: collected)
    }
  }

  private func features(_ options: LiveSession.Options) async throws -> Result {
    try await with(options, RoleStreams.candles, RoleStreams.features) { options, input, output in
      guard let output else { return Result() }
      let role = FeatureRole(context, output: output, cache: try context.featureCache())
      try await reader(input, .features, options).run { try await role.take($0) }
      return Result(candles: role.candles, vectors: role.vectors, points: role.pointsTold)
    }
  }

  private func predict(_ options: LiveSession.Options) async throws -> Result {
    let (log, store) = (context.log, context.store)
    let writer = try LiveWriter(
      LiveWriter.Limits(context.configuration), report: { log.write($0) }
    ) { [context] () throws(StoreError) in
      let opened = try store.open(.create, memoryMegabytes: 64)
      context.tellWhetherMade(opened)
      return opened
    }
    let result = try await with(options, RoleStreams.features, nil) { options, input, _ in
      let role = try PredictRole(context, writer: writer, cache: try context.featureCache())
      let reloads = Task { [models = role.models, context] in
        await models.run { try await writer.withStore { try context.recordModels(in: $0) } }
      }
      defer { reloads.cancel() }
      try await reader(input, .predict, options).run { try await role.take($0) }
      return Result(
        points: role.points, latePoints: role.latePoints, predictions: role.predictions, fingerprint: role.fingerprint)
    }
    try await writer.close()
    return result
  }

  // MARK: Streams

  private func reader(
    _ stream: any EventStream, _ role: Role, _ options: LiveSession.Options
  ) async throws -> RoleReader {
    let clock = try await clock(of: role)
    return RoleReader(
      stream: stream, group: role.rawValue, member: context.configuration.text("stream.member") ?? role.rawValue,
      clock: clock, isStopRequested: options.isStopRequested)
  }

  /// What waits for the volumes of its minute does not wait for ever, and neither does who waits for points.
  private func clock(of role: Role) async throws -> PipelineClock? {
    switch role {
    case .ingest: return nil
    case .features: return context.view.volume != nil ? try await clock() : nil
    case .predict:
      do { return try await clock() } catch {
        context.log.write(.warning, "predict", "nobody will tell if no points come: \(error)")
        return nil
      }
    }
  }

  private func clock() async throws -> PipelineClock {
    let venues = try LivePlanner(context: context, catalogue: catalogue, now: .distantPast).venues
    let http = try HTTPClient(HTTPClient.Options(context.configuration))
    return try await ClockSource(catalogue: catalogue, http: http).clock(of: venues)
  }

  /// Keeps streams at work while `body` runs, which stops when it is asked to or a stream cannot go on.
  private func with(
    _ options: LiveSession.Options, _ first: String, _ second: String?,
    _ body: (LiveSession.Options, any EventStream, (any EventStream)?) async throws -> Result
  ) async throws -> Result {
    let streams = RoleStreams(context: context)
    let input = try streams.stream(first)
    let output = try second.map { try streams.stream($0) }
    let work = StreamWork()
    var options = options
    options.isStopRequested = { [isStopRequested = options.isStopRequested] in
      work.failure != nil || isStopRequested()
    }
    return try await work.run([input, output].compactMap(\.self)) { [options] in try await body(options, input, output)
    }
  }
}

extension RoleSession.Result {
  var json: JSONValue {
    if let replay { return replay.json }
    return [
      "ingest": ingest?.json ?? .null, "candles": JSONValue(candles), "vectors": JSONValue(vectors),
      "points": JSONValue(points), "late_points": JSONValue(latePoints), "predictions": JSONValue(predictions),
      "fingerprint": JSONValue(fingerprint?.description),
    ]
  }

  var text: String {
    if let replay { return replay.text }
    let lines = [
      ingest?.text,
      candles + vectors == 0 ? nil : "\(candles.grouped) candles and \(vectors.grouped) vectors passed on",
      points == 0 ? nil : "\(points.grouped) points between candles, \(latePoints.grouped) late",
      fingerprint.map { "\(predictions.grouped) predictions, fingerprint \($0)" },
    ]
    return lines.compactMap(\.self).joined(separator: "\n")
  }
}
