import Market
import Storage
import Venues

/// One venue of a live feed: its sockets, its requests and its series.
struct VenueFeed: Sendable {
  /// What an answer is for.
  private enum Purpose: Sendable {
    case time
    case limits
    case backfill(BackfillQueue.Job)
    case poll(series: Int)
    case book(series: Int)
    case snapshot(series: Int, SnapshotPart)
  }

  private struct Request: Sendable {
    let purpose: Purpose
    let sentAt: Timestamp
  }

  private static let requestTimeoutSeconds = 20.0
  private static let timeIntervalSeconds = 60
  private static let triesOfOneShot = 6
  /// Wrong credentials, a firewall's and a lawyer's refusals: they say nothing of the data, and they pass.
  private static let refusalsOfTheClient: Set = [401, 403, 407, 451]
  /// A page of observations may be as short as a hundred.
  private static let oracleMinutesPerAnswer = 1

  let index: Int
  let plan: FeedPlan
  private let feed: any FeedProtocol
  private let thresholds: LiveThresholds
  private(set) var series: [SeriesFeed]
  private let positions: [Symbol: Int]
  private(set) var links: VenueSockets
  private(set) var queue: BackfillQueue
  private(set) var limiter: WeightLimiter
  private(set) var skew: ClockSkew
  private(set) var oracle: OracleFeed?
  private var requests: [Int: Request] = [:]
  private var lastRequest = 0
  private var timeAt = Timestamp.distantPast
  private var pollAt = Timestamp.distantPast
  private(set) var counts = FeedCounts()
  /// Events that are open and have been told; those that grow are not told again.
  private var told: Set<EventName> = []

  init(
    _ plan: FeedPlan, index: Int, _ feed: any FeedProtocol, _ thresholds: LiveThresholds, seed: UInt64,
    memory: FeedMemory?, now: Timestamp
  ) {
    precondition(!plan.series.isEmpty, "a feed without series")
    self.index = index
    self.plan = plan
    self.feed = feed
    self.thresholds = thresholds
    series = plan.series.map { SeriesFeed($0, of: plan, feed, thresholds, now: now) }
    positions = Dictionary(uniqueKeysWithValues: plan.series.enumerated().map { ($1.symbol, $0) })
    links = VenueSockets(plan, index: index, feed, thresholds, seed: seed, memory: memory, now: now)
    let rows = (feed as? any VenueProtocol)?.rowsPerAnswer ?? Self.oracleMinutesPerAnswer
    queue = BackfillQueue(BackfillQueue.Options(thresholds, rowsPerAnswer: rows))
    var limits = WeightLimiter.Options()
    limits.perSecond = (feed as? any VenueProtocol)?.requestsPerSecond
    limiter = memory.map { WeightLimiter(restoring: $0.weights, limits, now: now) } ?? WeightLimiter(limits)
    let filing = series[0].series
    skew = ClockSkew(filing, ClockSkew.Options(thresholds), events: plan.series[0].events)
    oracle = feed.candleSource == .ticks ? OracleFeed(plan.venue, startedAt: now) : nil
  }

  /// What must outlive the process so that a crash loop cannot get banned.
  var memory: FeedMemory { FeedMemory(weights: limiter.state, connects: links.budget.state) }

  /// Nothing is streamed, and all that was missing has been asked for, or is not to be had for half a minute.
  var isDone: Bool {
    plan.channels.isEmpty && requests.isEmpty && (queue.isIdle || queue.mostFailures >= Self.triesOfOneShot)
      && series.allSatisfy(\.minutes.expectsAll)
  }

  mutating func prime(_ position: Int, _ candles: [Candle]) { series[position].prime(candles) }

  mutating func start(now: Timestamp, _ output: inout LiveOutput) {
    if let venue = feed as? any VenueProtocol {
      if let limits = venue.limitsRequest() { send(limits, .limits, now, &output) }
      askTime(now, &output)
    }
    for position in series.indices {
      let changes = series[position].start(plan.series[position], takesUpAgain: thresholds.takesUpAgain, now: now)
      apply(changes, to: position, now, &output)
    }
    links.tick(feed, now, &output)
    pump(now, &output)
  }

  mutating func tick(now: Timestamp, _ output: inout LiveOutput) {
    links.tick(feed, now, &output)
    for position in series.indices { apply(series[position].tick(now: now), to: position, now, &output) }
    for job in queue.timedOut(now: now) {
      output.notes.append(LiveNote(.warning, "backfill", job.series, "\(job.shown) took too long; it is tried again"))
    }
    askTime(now, &output)
    poll(now, &output)
    askSnapshots(now, &output)
    pump(now, &output)
  }

  // MARK: Sockets

  mutating func opened(_ number: Int, now: Timestamp, _ output: inout LiveOutput) {
    let isSecond = links.opened(number, feed, now, &output)
    for position in series.indices {
      apply(series[position].connected(isSecond: isSecond, now: now), to: position, now, &output)
      if plan.channels.contains(.books) { askBook(position, now, &output) }
    }
    pump(now, &output)
  }

  mutating func closed(
    _ number: Int, code: UInt16?, reason: String, now: Timestamp, _ output: inout LiveOutput
  ) {
    let reconnection = feed.reconnection(afterClose: code)
    let isOurs = links.closed(number, reconnection, now)
    oracle?.interrupted(number)
    if !links.isConnected { interruptTicks(isCertain: true, &output) }
    var note = LiveNote(isOurs ? .info : .warning, "link", nil, "\(plan.venue): socket \(number) closed: \(reason)")
    if !isOurs, case .useless(let why, let seconds) = reconnection {
      note.level = .error
      note.message += "; \(why), and it is not tried again " + (seconds.map { "for \($0) s" } ?? "before a restart")
    }
    output.notes.append(note)
    links.tick(feed, now, &output)
  }

  mutating func overflowed(_ number: Int, messages: Int, now: Timestamp, _ output: inout LiveOutput) {
    counts.dropped += 1
    oracle?.interrupted(number)
    doubt(now, &output)
    output.notes.append(
      LiveNote(.warning, "link", nil, "\(plan.venue): socket \(number) has dropped \(messages) messages so far"))
  }

  mutating func receive(
    _ bytes: [UInt8], isBinary: Bool, from number: Int, now: Timestamp, _ output: inout LiveOutput
  ) {
    counts.messages += 1
    if let sequence = bytes.withUnsafeBufferPointer({ feed.sequence(of: $0) }) {
      follow(sequence, of: number, now, &output)
    }
    var messages: [VenueMessage] = []
    do {
      try bytes.withUnsafeBufferPointer { bytes throws(VenueError) in
        try feed.decode(bytes, isBinary: isBinary) { messages.append($0) }
      }
    } catch {
      counts.undecoded += 1
      oracle?.interrupted(number)
      for position in series.indices { series[position].refused(now: now) }
      interruptTicks(isCertain: false, &output)
      output.notes.append(LiveNote(.warning, "decode", nil, "\(plan.venue): \(error)"))
    }
    for message in messages { take(message, from: number, now, &output) }
    if oracle != nil { finishObserving(.live, now, &output) }
    pump(now, &output)
  }

  private mutating func take(
    _ message: VenueMessage, from number: Int, _ now: Timestamp, _ output: inout LiveOutput
  ) {
    switch message {
    case .kline(let symbol, let kline):
      guard let position = positions[symbol] else { return links.heard(number, .klines, kline.time, now) }
      links.heard(number, .klines, kline.time, isNews: series[position].isNews(kline), now)
      apply(series[position].receive(kline, now: now, &output), to: position, now, &output)
    case .trade(let symbol, let trade):
      links.heard(number, .trades, trade.time, now)
      guard let position = positions[symbol] else { return }
      apply(series[position].receive(trade, .live, now: now, &output), to: position, now, &output)
      if thresholds.makesMarketData { output.batch.marketData.append(.trade(trade, series[position].series)) }
    case .quote(let symbol, let quote):
      links.heard(number, .quotes, quote.time, now)
      guard let position = positions[symbol] else { return }
      series[position].receive(quote, now: now, &output)
      if thresholds.makesMarketData { output.batch.marketData.append(.quote(quote, series[position].series, now)) }
    case .book(let symbol, let update):
      links.heard(number, .books, update.time, now)
      guard let position = positions[symbol] else { return }
      follow(update, at: position, now, &output)
    case .oracle(let tick):
      links.heard(number, .ticks, tick.time, now)
      observe(tick, from: number, now, &output)
    case .heartbeat(let symbol, let time, let lastTradeId):
      links.heard(number, nil, time, now)
      guard let time, let position = symbol.flatMap({ positions[$0] }) else { return }
      let changes = series[position].heartbeat(time, lastTradeId: lastTradeId, now: now, &output)
      apply(changes, to: position, now, &output)
    case .dropped(let count):
      counts.dropped += Int(clamping: count)
      oracle?.interrupted(number)
      doubt(now, &output)
      output.notes.append(LiveNote(.warning, "link", nil, "\(plan.venue) has left out \(count) messages"))
    case .shutdown:
      output.notes.append(LiveNote(.info, "link", nil, "\(plan.venue) is about to close socket \(number)"))
      links.announcedEnd(of: number)
      links.tick(feed, now, &output)
    case .control(.accepted): break
    case .control(.refused(let reason)):
      output.notes.append(LiveNote(.error, "link", nil, "\(plan.venue) refuses a subscription: \(reason)"))
    }
  }

  /// Frames of a socket that numbers them were lost.
  private mutating func follow(
    _ sequence: Int64, of number: Int, _ now: Timestamp, _ output: inout LiveOutput
  ) {
    let count = links.skipped(number, sequence)
    guard count > 0 else { return }
    counts.dropped += Int(clamping: count)
    output.notes.append(
      LiveNote(
        .warning, "link", nil, "\(plan.venue): \(count) messages before \(sequence) of socket \(number) are lost"))
    doubt(now, &output)
    links.lostFrames(of: number, now)
    links.tick(feed, now, &output)
  }

  /// What messages say of this time may be incomplete.
  private mutating func doubt(_ now: Timestamp, _ output: inout LiveOutput) {
    for position in series.indices { series[position].doubt(now) }
    interruptTicks(isCertain: false, &output)
  }

  private mutating func interruptTicks(isCertain: Bool, _ output: inout LiveOutput) {
    for position in series.indices { series[position].ticks.interrupt(isCertain: isCertain, &output) }
  }

  private mutating func observe(
    _ tick: OracleTick, from socket: Int? = nil, _ now: Timestamp, _ output: inout LiveOutput
  ) {
    guard let position = positions[tick.feed] else { return }
    series[position].observed(tick.time, now: now)
    guard let reason = oracle?.receive(tick, from: socket, now: now, &output) else { return }
    series[position].refused(now: now)
    output.notes.append(LiveNote(.warning, "decode", series[position].series, reason))
  }

  /// What follows from the observations of one frame or answer.
  private mutating func finishObserving(_ provenance: Provenance, _ now: Timestamp, _ output: inout LiveOutput) {
    for position in series.indices {
      let symbol = series[position].series.symbol
      for minute in oracle?.take(symbol, provenance, now: now, &output) ?? [] {
        let time = minute.candle.candle.openTime
        apply(series[position].receive(minute.candle, now: now, &output), to: position, now, &output)
        if minute.isPartial, hasPast(symbol, now) { series[position].doubt(time) }
      }
    }
  }

  /// Whether the oracle can be asked what a socket did not bring.
  private func hasPast(_ symbol: Symbol, _ now: Timestamp) -> Bool {
    (feed as? any OracleProtocol)?.ticksRequest(symbol, from: now, limit: 1, now: now) != nil
  }

  private mutating func follow(
    _ update: BookUpdate, at position: Int, _ now: Timestamp, _ output: inout LiveOutput
  ) {
    guard case .needsSnapshot(let reason) = series[position].follow(update) else { return }
    output.notes.append(LiveNote(.info, "book", series[position].series, "needs a snapshot: \(reason)"))
    askBook(position, now, &output)
  }

  private mutating func askBook(_ position: Int, _ now: Timestamp, _ output: inout LiveOutput) {
    guard !series[position].isWaitingForBook,
      let request = (feed as? any VenueProtocol)?.bookSnapshotRequest(series[position].series.symbol)
    else { return }
    series[position].isWaitingForBook = send(request, .book(series: position), now, &output)
  }

  // MARK: Requests

  mutating func answered(
    _ number: Int, _ result: RequestResult, now: Timestamp, _ output: inout LiveOutput
  ) {
    guard let request = requests.removeValue(forKey: number) else { return }
    switch result {
    case .failed(let reason):
      output.notes.append(LiveNote(.warning, "request", nil, "\(plan.venue): no answer: \(reason)"))
      failed(request.purpose, .unreachable(reason), now, &output)
    case .answered(let answer):
      do throws(VenueError) {
        note(try use(answer, for: request, now, &output), of: answer, request, now)
      } catch {
        refused(error, answer, request, now, &output)
      }
    }
    pump(now, &output)
  }

  private mutating func use(
    _ answer: VenueAnswer, for request: Request, _ now: Timestamp, _ output: inout LiveOutput
  ) throws(VenueError) {
    switch request.purpose {
    case .time:
      guard let venue = feed as? any VenueProtocol else { return }
      let isFirst = skew.leastVenueTime(now) == nil
      let event = skew.measured(venue: try venue.time(in: answer), sent: request.sentAt, received: now)
      if let event { record(event, &output) }
      guard isFirst else { return }
      for position in series.indices { apply(series[position].learnedClock(now: now), to: position, now, &output) }
    case .limits:
      guard let venue = feed as? any VenueProtocol else { return }
      limiter.learned(limit: try venue.limits(in: answer))
    case .backfill(let job): try use(answer, for: job, now, &output)
    case .poll(let position):
      guard let oracle = feed as? any OracleProtocol else { return }
      for tick in try oracle.ticks(series[position].series.symbol, in: answer) { observe(tick, now, &output) }
      finishObserving(.live, now, &output)
    case .book(let position):
      series[position].isWaitingForBook = false
      guard let venue = feed as? any VenueProtocol else { return }
      follow(try venue.bookSnapshot(in: answer), at: position, now, &output)
    case .snapshot(let position, let part): try use(answer, for: part, of: position, now, &output)
    }
  }

  private mutating func use(
    _ answer: VenueAnswer, for job: BackfillQueue.Job, _ now: Timestamp, _ output: inout LiveOutput
  ) throws(VenueError) {
    guard let position = positions[job.series.symbol] else { return }
    let source = "\(plan.venue) rest"
    if let venue = feed as? any VenueProtocol {
      switch job.kind {
      case .minutes:
        let candles = try venue.candles(job.series.symbol, in: answer)
        let answer = CandleAnswer(
          asked: job.range, candles: candles, isFull: Int64(candles.count) >= job.range.length,
          venueTime: skew.leastVenueTime(now), source: source)
        apply(series[position].answered(answer, now: now), to: position, now, &output)
      case .trades:
        let trades = try venue.trades(job.series.symbol, in: answer)
        let changes = series[position].answered(
          trades, asked: job.range, isFull: Int64(trades.count) >= job.range.length, from: source, now: now, &output)
        apply(changes, to: position, now, &output)
      }
    } else if let oracle = feed as? any OracleProtocol {
      let ticks = try oracle.ticks(job.series.symbol, in: answer)
      for tick in ticks { observe(tick, now, &output) }
      let start = Timestamp(minute: job.range.lowerBound)
      self.oracle?.saw(job.series.symbol, from: start, in: ticks)
      finishObserving(.patched, now, &output)
      let minutes = self.oracle?.minutes(of: job.series.symbol, from: start, in: ticks, now: now, &output) ?? []
      // An answer says nothing past its last observation, and by then that much time has passed.
      let answer = CandleAnswer(
        asked: job.range, candles: minutes.compactMap(\.candle), isFull: true, venueTime: ticks.last?.time,
        source: source)
      apply(series[position].answered(answer, now: now), to: position, now, &output)
    }
    queue.finished(job.id)
    let left = queue.progress
    if left.waitingJobs > 0, left.doneJobs.isMultiple(of: 10) {
      output.notes.append(
        LiveNote(.info, "backfill", job.series, "\(left.doneKeys) fetched, \(left.waitingKeys) to go"))
    }
  }

  private mutating func note(_: Void, of answer: VenueAnswer, _ request: Request, _ now: Timestamp) {
    guard let venue = feed as? any VenueProtocol else { return }
    limiter.answered(
      used: venue.usage(in: answer).usedWeightPerMinute, sentAt: skew.venueTime(request.sentAt),
      now: skew.venueTime(now))
  }

  private mutating func refused(
    _ error: VenueError, _ answer: VenueAnswer, _ request: Request, _ now: Timestamp, _ output: inout LiveOutput
  ) {
    output.notes.append(LiveNote(.warning, "request", nil, "\(plan.venue): \(error)"))
    switch error {
    case .limited(let status, let seconds, _):
      limiter.refused(status: status, retryAfterSeconds: seconds, now: skew.venueTime(now))
      counts.limited += 1
      failed(request.purpose, .unreachable("\(error)"), now, &output)
    case .refused(let status, _, _) where Self.refusalsOfTheClient.contains(status):
      failed(request.purpose, .unreachable("\(error)"), now, &output)
    case .refused: failed(request.purpose, .refused("\(error)"), now, &output)
    case .badValue: spoiled(request.purpose, "\(error)", now, &output)
    case .unavailable, .malformed, .unknown:
      failed(request.purpose, .unreachable("\(error)"), now, &output)
    }
  }

  private mutating func failed(
    _ purpose: Purpose, _ failure: BackfillQueue.Failure, _ now: Timestamp, _ output: inout LiveOutput
  ) {
    counts.failedRequests += 1
    if case .book(let position) = purpose { series[position].isWaitingForBook = false }
    if case .snapshot(let position, let part) = purpose { series[position].ticks.take(part, &output) }
    guard case .backfill(let job) = purpose else { return }
    guard let lost = queue.failed(job.id, failure, now: now), !lost.isRecheck,
      let position = positions[lost.series.symbol]
    else { return }
    let changes = series[position].abandoned(lost.kind, lost.range, reason: failure.reason, now: now)
    apply(changes, to: position, now, &output)
  }

  /// The venue gives a value that no market has: what is beside it is asked for apart, and it is lost.
  private mutating func spoiled(
    _ purpose: Purpose, _ reason: String, _ now: Timestamp, _ output: inout LiveOutput
  ) {
    counts.failedRequests += 1
    if case .snapshot(let position, let part) = purpose { series[position].ticks.take(part, &output) }
    guard case .backfill(let job) = purpose, let lost = queue.spoiled(job.id), !lost.isRecheck,
      let position = positions[lost.series.symbol]
    else { return }
    apply(series[position].abandoned(lost.kind, lost.range, reason: reason, now: now), to: position, now, &output)
  }

  private mutating func askTime(_ now: Timestamp, _ output: inout LiveOutput) {
    guard now >= timeAt, let venue = feed as? any VenueProtocol else { return }
    timeAt = now.adding(microseconds: Int64(Self.timeIntervalSeconds) * 1_000_000)
    send(venue.timeRequest(), .time, now, &output)
  }

  private mutating func poll(_ now: Timestamp, _ output: inout LiveOutput) {
    guard now >= pollAt, !plan.channels.isEmpty, let oracle = feed as? any OracleProtocol else { return }
    pollAt = now.adding(microseconds: Int64(thresholds.pollSeconds * 1_000_000))
    for position in series.indices {
      guard let request = oracle.pollRequest(series[position].series.symbol, now: now) else { continue }
      send(request, .poll(series: position), now, &output)
    }
  }

  /// What a silent stream of trades does not tell is asked for.
  private mutating func askSnapshots(_ now: Timestamp, _ output: inout LiveOutput) {
    guard let age = thresholds.maxTickAgeMilliseconds, plan.channels.contains(.trades),
      let venue = feed as? any VenueProtocol
    else { return }
    for position in series.indices where series[position].ticks.isSnapshotDue(maxAgeMilliseconds: age, now: now) {
      var asked: Set<SnapshotPart> = []
      for part in SnapshotPart.allCases {
        guard let request = request(for: part, series[position].series.symbol, venue, now),
          send(request, .snapshot(series: position, part), now, &output)
        else { continue }
        asked.insert(part)
      }
      series[position].ticks.beginSnapshot(asked, maxAgeMilliseconds: age, now: now)
    }
  }

  private func request(
    for part: SnapshotPart, _ symbol: Symbol, _ venue: any VenueProtocol, _ now: Timestamp
  ) -> VenueRequest? {
    switch part {
    case .candles:
      let end = skew.venueTime(now).minute
      let range = Timestamp(minute: end - Self.snapshotMinutes)..<Timestamp(minute: end)
      return venue.candlesRequest(symbol, range, limit: Int(Self.snapshotMinutes))
    case .trades: return venue.newestTradesRequest(symbol, limit: Self.snapshotTrades)
    case .quote: return venue.quoteRequest(symbol)
    }
  }

  private mutating func use(
    _ answer: VenueAnswer, for part: SnapshotPart, of position: Int, _ now: Timestamp, _ output: inout LiveOutput
  ) throws(VenueError) {
    guard let venue = feed as? any VenueProtocol else { return }
    let symbol = series[position].series.symbol
    switch part {
    case .candles:
      let candles = try venue.candles(symbol, in: answer).filter { $0.closeTime <= skew.venueTime(now) }
      series[position].ticks.take(part, &output) { $0.candles = candles }
    case .trades:
      let trades = try venue.trades(symbol, in: answer)
      series[position].ticks.take(part, &output) { snapshot in
        snapshot.trades = trades
        let hasAll = venue.newestTradesLimit.map { trades.count < min($0, Self.snapshotTrades) } ?? false
        snapshot.tradesFrom = hasAll ? .distantPast : trades.first?.time
      }
    case .quote:
      let quote = try venue.quote(symbol, in: answer)
      series[position].ticks.take(part, &output) { $0.quote = quote }
    }
  }

  private static let snapshotMinutes: Int64 = 120
  private static let snapshotTrades = 1000

  /// Begins what may be fetched now.
  private mutating func pump(_ now: Timestamp, _ output: inout LiveOutput) {
    for job in queue.next(now: now) {
      guard let request = request(for: job, now) else {
        failed(.backfill(job), .refused("\(plan.venue) gives no past"), now, &output)
        continue
      }
      switch limiter.permit(request.weight, now: skew.venueTime(now)) {
      case .go: post(request, .backfill(job), now, &output)
      case .wait(let until):
        let pause = max(until.microseconds - skew.venueTime(now).microseconds, 1)
        queue.postponed(job.id, until: now.adding(microseconds: pause))
      }
    }
  }

  private func request(for job: BackfillQueue.Job, _ now: Timestamp) -> VenueRequest? {
    let symbol = job.series.symbol
    if let venue = feed as? any VenueProtocol {
      switch job.kind {
      case .minutes:
        let range = Timestamp(minute: job.range.lowerBound)..<Timestamp(minute: job.range.upperBound)
        return venue.candlesRequest(symbol, range, limit: Int(job.range.length))
      case .trades: return venue.tradesRequest(symbol, from: job.range.lowerBound, limit: Int(job.range.length))
      }
    }
    guard let oracle = feed as? any OracleProtocol, job.kind == .minutes else { return nil }
    return oracle.ticksRequest(
      symbol, from: Timestamp(minute: job.range.lowerBound), limit: Int(job.range.length) * 60 + 5, now: now)
  }

  /// Small requests that must not wait in the queue; without a permit they are left out this time.
  @discardableResult
  private mutating func send(
    _ request: VenueRequest, _ purpose: Purpose, _ now: Timestamp, _ output: inout LiveOutput
  ) -> Bool {
    guard limiter.permit(request.weight, now: skew.venueTime(now)) == .go else { return false }
    post(request, purpose, now, &output)
    return true
  }

  private mutating func post(
    _ request: VenueRequest, _ purpose: Purpose, _ now: Timestamp, _ output: inout LiveOutput
  ) {
    lastRequest += 1
    requests[lastRequest] = Request(purpose: purpose, sentAt: now)
    output.actions.append(
      .request(
        RequestID(feed: index, number: lastRequest), request, timeoutSeconds: Self.requestTimeoutSeconds))
  }

  // MARK: Consequences

  private mutating func apply(
    _ changes: [GapChange], to position: Int, _ now: Timestamp, _ output: inout LiveOutput
  ) {
    let name = series[position].series
    for change in changes {
      switch change {
      case .ledger(let range): output.batch.ledger.append(range)
      case .quality(let event): record(event, &output)
      case .fetch(let kind, let range, let isRecheck): queue.add(name, kind, range, isRecheck: isRecheck, age: now)
      case .store(let candles, _): series[position].store(candles, now: now, &output)
      case .alarm(let silent):
        output.notes.append(
          LiveNote(.warning, "gap", name, "no data for \(silent / 1_000_000) s; the feed may have a gap"))
      }
    }
  }

  private mutating func record(_ event: QualityEvent, _ output: inout LiveOutput) {
    output.batch.quality.append(event)
    let isOpen = event.resolvedAt == nil
    let name = EventName(series: event.series, type: event.type, createdAt: event.createdAt)
    guard isOpen else {
      told.remove(name)
      return note(event, isOpen: false, &output)
    }
    if told.insert(name).inserted { note(event, isOpen: true, &output) }
  }

  private func note(_ event: QualityEvent, isOpen: Bool, _ output: inout LiveOutput) {
    output.notes.append(
      LiveNote(
        isOpen ? .warning : .info, "quality", event.series,
        "\(event.type) \(isOpen ? "opened" : "closed") "
          + event.details))
  }
}

/// What tells one quality event from another.
private struct EventName: Hashable {
  let series: Series
  let type: String
  let createdAt: Timestamp
}

/// What one venue has sent and refused since the start.
package struct FeedCounts: Hashable, Sendable {
  package var messages = 0
  package var undecoded = 0
  package var dropped = 0
  package var limited = 0
  package var failedRequests = 0
}

/// What a feed must know again after a crash, so that a crash loop cannot get its address banned.
package struct FeedMemory: Codable, Hashable, Sendable {
  package var weights: WeightLimiter.State
  package var connects: ConnectBudget.State
}

extension BackfillQueue.Job {
  fileprivate var shown: String {
    switch kind {
    case .minutes: "\(Timestamp(minute: range.lowerBound)) – \(Timestamp(minute: range.upperBound))"
    case .trades: "trades \(range.lowerBound) – \(range.upperBound - 1)"
    }
  }
}
