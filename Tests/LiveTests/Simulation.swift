import Ingestion
import Market
import Storage
import Tape
import TestSupport
import VenueSimulator
import Venues

/// A live feed and a venue for some hours of virtual time: what the feed stores, and what it did to get it.
///
/// Instants are the venue's; the feed's own clock may be off by a constant.
final class Simulation {
  struct Crash: Hashable {
    var atSeconds: Int64
    var downSeconds: Int64
  }

  struct Plan {
    var seed: UInt64
    /// Before the first start.
    var historyMinutes = 150
    /// When the first process starts.
    var startMicroseconds: Int64 = 5_000_000
    /// A feed without a store begins so many minutes ago.
    var firstMinutes: Int64 = 90
    /// Faults, cuts and crashes lie in these.
    var minutes = 360
    /// Without any fault, so that everything can be fetched.
    var quietMinutes = 25
    var faults: [Fault] = []
    var crashes: [Crash] = []
    /// Instants at which every line is cut.
    var cutsAtSeconds: [Int64] = []
    var quality = VirtualNetwork.Quality.good
    var thresholds = LiveThresholds()
    /// How far the feed's clock is ahead of the venue's.
    var clockAheadMicroseconds: Int64 = 0
    var channels: [Channel] = [.klines, .trades]
    var symbols: [Symbol] = [.btcusdt]
    /// What the feed follows, where that is not what the market trades.
    var feedSymbols: [Symbol]?
    /// Few, so that hours go by fast.
    var tradesPerMinute: ClosedRange<Int64> = 4...9
    /// One minute in so many is without a trade; 0 is none.
    var quietOneIn: UInt64 = 40
    /// Minutes after the first one of the market that the venue does not have.
    var absentMinutes: Set<Int> = []
    /// A way to be late with storing, up to so many microseconds.
    var longestCommitMicroseconds: Int64 = 1_000_000
    /// The quiet end begins with a cut, so that the last hour is checked again.
    var endsWithRecheck = true

    init(seed: UInt64) { self.seed = seed }
  }

  /// A process from its start to its crash.
  struct Process {
    let number: Int
    var core: LiveCore
    let start: LiveStart
    var records: [TapeRecord] = []
    var outputs = OutputHash()
    let predictor: Predictor
    var predictions: [Said] = []
    /// Said between candles.
    var between: [Said] = []
    var waiting: [LiveBatch] = []
    /// What answers have said about minutes, to count once it is stored.
    var learned: [(series: Series, minutes: Range<Int64>, at: Timestamp)] = []
  }

  struct Line {
    let time: Timestamp
    let text: String
  }

  let plan: Plan
  let venue: Venue
  let market: SimulatedMarket
  let begin: Timestamp
  let tell: any FeedProtocol
  private(set) var network: VirtualNetwork
  private(set) var stores: [any LiveStore & CandleStore]
  private(set) var process: Process?
  private(set) var processes: [Process] = []
  private(set) var now: Timestamp
  private(set) var history: [Line] = []
  private(set) var requests: [(time: Timestamp, process: Int, request: VenueRequest)] = []
  private(set) var connects: [(time: Timestamp, number: Int)] = []
  /// Requests for minutes that were under way together at most.
  private(set) var mostFetches = 0
  private var fetches: Set<RequestID> = []
  private(set) var marketDataRows = 0
  private(set) var events: [(event: QualityEvent, at: Timestamp)] = []
  private(set) var alarms = 0
  /// The newest instant of which the stored feed has the venue's word about a minute.
  private(set) var learned: [Series: [Int64: Timestamp]] = [:]
  /// Trade ids that came over a socket, and on request.
  private(set) var heardIds: [Symbol: Set<Int64>] = [:]
  private(set) var fetchedIds: [Symbol: Set<Int64>] = [:]
  /// Those stored: of one question the first.
  private(set) var predictions: [Said.Question: Said] = [:]
  private(set) var mostWaiting = 0
  /// Requests before the end of a pause that the venue has asked for.
  private(set) var impatience: [String] = []
  private var pauseUntil: Timestamp?
  private var memories: [Venue: FeedMemory] = [:]
  private var memoriesAt: Timestamp?
  private var random: SplitMix64
  private var timers = Agenda<Timer>()
  private var started = 0
  private var steps = 0

  private enum Timer {
    case start, tick(process: Int), commit(process: Int), crash(downSeconds: Int64), cut, quiet
  }

  init(
    _ plan: Plan, _ name: String = "binance", _ feed: any FeedProtocol = BinanceProtocol(venue: .simulated),
    stores: [any LiveStore & CandleStore] = [ModelStore()]
  ) throws {
    self.plan = plan
    (tell, venue, self.stores) = (feed, feed.venue, stores)
    let count = plan.historyMinutes + plan.minutes + plan.quietMinutes + 10
    let recordings = Dictionary(
      uniqueKeysWithValues: plan.symbols.enumerated().map { index, symbol in
        (symbol, Self.candles(plan, seed: plan.seed &+ UInt64(index) &* 7919, count: count))
      })
    let streamed = Int64(plan.minutes + plan.quietMinutes + 10) * Timestamp.microsecondsPerMinute
    market = try SimulatedMarket(recordings, .init(streamedMicroseconds: streamed, seed: plan.seed))
    begin = market.split
    now = begin
    random = SplitMix64(seed: plan.seed ^ 0x0051_4D55)
    let set = VenueSet(market, faults: FaultPlan(plan.faults, start: market.split), seed: plan.seed)
    guard let simulated = set.venue(name) else { preconditionFailure("no venue \(name)") }
    network = VirtualNetwork(simulated, plan.quality, seed: plan.seed)
    schedule()
  }

  /// A random walk of few trades, with minutes in which nothing happens.
  private static func candles(_ plan: Plan, seed: UInt64, count: Int) -> [Candle] {
    var random = SplitMix64(seed: seed ^ 0xCA4D)
    return RandomWalk()(seed: seed, count: count).enumerated().compactMap { index, candle in
      guard !plan.absentMinutes.contains(index) else { return nil }
      var candle = candle
      candle.trades = .random(in: plan.tradesPerMinute, using: &random)
      candle.quoteVolume = nil
      candle.takerBuyQuote = nil
      guard plan.quietOneIn > 0, random.next() % plan.quietOneIn == 0 else { return candle }
      (candle.high, candle.low, candle.close) = (candle.open, candle.open, candle.open)
      (candle.volume, candle.takerBuyBase, candle.trades) = (.zero, .zero, 0)
      return candle
    }
  }

  private func schedule() {
    timers.add(.start, at: begin.adding(microseconds: plan.startMicroseconds))
    for crash in plan.crashes {
      let spread = Int64.random(in: 0..<1_000_000, using: &random)
      timers.add(
        .crash(downSeconds: crash.downSeconds), at: begin.adding(microseconds: crash.atSeconds * 1_000_000 + spread))
    }
    for second in plan.cutsAtSeconds { timers.add(.cut, at: begin.adding(microseconds: second * 1_000_000)) }
    timers.add(.quiet, at: quietBegin)
    if plan.endsWithRecheck { timers.add(.cut, at: quietBegin.adding(microseconds: 90_000_000)) }
  }

  var quietBegin: Timestamp { begin.adding(minutes: plan.minutes) }
  /// Half a minute after the end of the last minute.
  var end: Timestamp { quietBegin.adding(minutes: plan.quietMinutes).adding(microseconds: 30_000_000) }
  /// In the order of the plan's symbols, named as the venue names them.
  var series: [Series] { (plan.feedSymbols ?? plan.symbols.map(tell.name)).map { Series(venue, $0) } }
  var store: any LiveStore & CandleStore { stores[0] }

  // MARK: Run

  func run(until end: Timestamp? = nil) throws {
    let end = end ?? self.end
    while true {
      let next = min(timers.nextTime ?? .distantFuture, network.nextTime ?? .distantFuture)
      guard next <= end else { break }
      if let time = timers.nextTime, time <= network.nextTime ?? .distantFuture, let timer = timers.removeFirst() {
        now = max(now, time)
        try happen(timer.item)
      } else if let arrival = network.step() {
        now = max(now, arrival.time)
        guard arrival.process == process?.number else { continue }
        note(arrival.input, arrival.about)
        try step(arrival.input)
      }
    }
    now = end
  }

  /// Everything that waits is stored, and the last process ends.
  func finish() throws {
    try commit()
    if let process { processes.append(process) }
  }

  private func happen(_ timer: Timer) throws {
    switch timer {
    case .start: try start()
    case .tick(let number):
      guard number == process?.number else { return }
      timers.add(.tick(process: number), at: now.adding(microseconds: 1_000_000))
      try step(.tick)
    case .commit(let number): if number == process?.number { try commit() }
    case .crash(let seconds): crash(seconds)
    case .cut:
      write("every line is cut")
      network.cut(now: now)
    case .quiet: network.becomeGood()
    }
  }

  /// The feed's own clock.
  private var coreTime: Timestamp { now.adding(microseconds: plan.clockAheadMicroseconds) }

  private func start() throws {
    started += 1
    let time = coreTime
    let first = time.minute - plan.firstMinutes
    let series = try self.series.map { try SeriesPlan($0, from: store, firstMinute: first, now: time) }
    let feed = FeedPlan(venue: venue, interface: "test", channels: plan.channels, series: series)
    let livePlan = LivePlan(seed: plan.seed &+ UInt64(started), thresholds: plan.thresholds, feeds: [feed])
    let start = LiveStart(
      time: time, plan: livePlan, memories: memories.map { FeedMemoryEntry(venue: $0.key, memory: $0.value) },
      view: MarketView(price: self.series[0]), versions: [], history: nil)
    var core = LiveCore(livePlan, protocols: [tell], memories: memories, now: time)
    try core.prime(from: store, before: time)
    let predictor = Predictor(start.view)
    try predictor.warmUp(from: store, asOf: time)
    process = Process(number: started, core: core, start: start, predictor: predictor)
    write("process \(started) starts")
    guard let output = process?.core.start() else { return }
    try take(output)
    timers.add(.tick(process: started), at: now.adding(microseconds: 1_000_000))
  }

  private func crash(_ seconds: Int64) {
    guard let process else { return }
    write("process \(process.number) crashes with \(process.waiting.count) batches unsaved")
    network.forget(process: process.number, now: now)
    processes.append(process)
    self.process = nil
    fetches = []
    timers.add(.start, at: max(now, min(now.adding(microseconds: seconds * 1_000_000), quietBegin)))
  }

  private func step(_ input: LiveInput) throws {
    let time = coreTime
    if case .answer(let id, _) = input { fetches.remove(id) }
    process?.records.append(LiveTape.record(StampedInput(input, at: time)))
    guard let output = process?.core.step(input, at: time) else { return }
    try take(output)
  }

  private func take(_ output: LiveOutput) throws {
    process?.outputs.combine(output)
    var batch = output.batch
    let between = process?.predictor.takeTicks(output, at: batch.knownAt) ?? []
    process?.between += between.map(Said.init)
    if !output.events.isEmpty {
      batch.predictions = process?.predictor.take(output.events, now: batch.knownAt) ?? []
      process?.predictions += batch.predictions.map(Said.init)
    }
    for note in output.notes {
      write("\(note.level) \(note.part) \(note.series.map { "\($0) " } ?? "")\(note.message)")
      if note.part == "gap" { alarms += 1 }
    }
    marketDataRows += output.batch.marketData.count
    for event in output.batch.quality { events.append((event, now)) }
    for action in output.actions { perform(action) }
    if let core = process?.core, now.microseconds - (memoriesAt?.microseconds ?? 0) >= 500_000 {
      (memories, memoriesAt) = (core.memories, now)
    }
    guard !batch.isBare, let number = process?.number else { return }
    if process?.waiting.isEmpty == true {
      let delay = Int64.random(in: 0...plan.longestCommitMicroseconds, using: &random)
      timers.add(.commit(process: number), at: now.adding(microseconds: delay))
    }
    process?.waiting.append(batch)
  }

  private func perform(_ action: LiveAction) {
    guard let number = process?.number else { return }
    switch action {
    case .request(let id, let request, _):
      if request.path.contains("klines") || request.path.contains("candles") { fetches.insert(id) }
      mostFetches = max(mostFetches, fetches.count)
      requests.append((now, number, request))
      if let pauseUntil, now < pauseUntil { impatience.append("\(now): \(request.path) before \(pauseUntil)") }
    case .connect(let id, _): connects.append((now, id.number))
    case .send, .close: break
    }
    network.perform(action, of: number, now: now)
  }

  private func commit() throws {
    guard let batches = process?.waiting, let learned = process?.learned else { return }
    process?.waiting = []
    process?.learned = []
    mostWaiting = max(mostWaiting, batches.count)
    for store in stores { try store.commit(batches) }
    for said in batches.flatMap(\.predictions).map(Said.init) where predictions[said.question] == nil {
      predictions[said.question] = said
    }
    for one in learned {
      for minute in one.minutes { self.learned[one.series, default: [:]][minute] = one.at }
    }
  }

  // MARK: Notes

  /// What the feed is about to know.
  private func note(_ input: LiveInput, _ question: VirtualNetwork.Question?) {
    switch input {
    case .frame(_, let bytes, let isBinary):
      bytes.withUnsafeBufferPointer { bytes in
        try? tell.decode(bytes, isBinary: isBinary) { message in
          if case .trade(let symbol, let trade) = message { heardIds[symbol, default: []].insert(trade.id) }
        }
      }
    case .answer(_, .answered(let answer)):
      guard let question, let venueTell = tell as? any VenueProtocol else { return }
      if [429, 418].contains(answer.status) {
        let seconds = answer.header("Retry-After").flatMap { Int64($0) } ?? 1
        // The venue's clock is known to the feed only to within a second.
        pauseUntil = max(pauseUntil ?? now, now.adding(microseconds: seconds * 1_000_000 - 1_000_000))
        memoriesAt = nil
      }
      for symbol in series.map(\.symbol) where question.request.path.contains(symbol.name) {
        if let trades = try? venueTell.trades(symbol, in: answer) {
          fetchedIds[symbol, default: []].formUnion(trades.map(\.id))
        } else if let candles = try? venueTell.candles(symbol, in: answer), let first = candles.first {
          let last = candles.last ?? first
          process?.learned.append(
            (Series(venue, symbol), first.openTime.minute..<last.openTime.minute + 1, question.answeredAt))
        }
      }
    default: break
    }
  }

  // MARK: Asking

  func truth(of series: Series, at time: Timestamp) -> [Candle] {
    guard let index = self.series.firstIndex(of: series) else { return [] }
    return network.venue.truth(of: plan.symbols[index], at: time)
  }

  func time(ofSecond second: Int64) -> Timestamp { begin.adding(microseconds: second * 1_000_000) }

  /// The minute that begins so many minutes after the start.
  func state(ofMinute minute: Int64) throws -> LedgerState? {
    let number = begin.minute + minute
    return try store.ledger(series[0], .minutes).first { $0.range.contains(number) }?.state
  }

  /// When requests were sent whose path has this in it.
  func seconds(ofRequests part: String) -> [Int64] {
    requests.filter { $0.request.path.contains(part) }.map { ($0.time.microseconds - begin.microseconds) / 1_000_000 }
  }

  /// When something with these words in it was logged.
  func seconds(ofNotes words: String) -> [Int64] {
    history.filter { $0.text.contains(words) }.map { ($0.time.microseconds - begin.microseconds) / 1_000_000 }
  }

  /// When events of a type were opened.
  func seconds(ofEvents type: String) -> [Int64] {
    events.filter { $0.event.type == type && $0.event.resolvedAt == nil }.map {
      ($0.at.microseconds - begin.microseconds) / 1_000_000
    }
  }

  private func write(_ text: String) { history.append(Line(time: now, text: text)) }
}

extension Venue {
  static var simulated: Venue { Venue("sim-binance")! }
  static var simulatedCoinbase: Venue { Venue("sim-coinbase")! }
  static var simulatedBybit: Venue { Venue("sim-bybit")! }
  static var simulatedChainlink: Venue { Venue("sim-chainlink")! }
}

extension LiveBatch {
  fileprivate var isBare: Bool {
    candles.isEmpty && predictions.isEmpty && ledger.isEmpty && quality.isEmpty && ticks.isEmpty
      && oracleMinutes.isEmpty
      && marketData.isEmpty
  }
}

/// Equal for equal outputs in equal order.
struct OutputHash {
  private var hasher = Hasher()

  mutating func combine(_ output: LiveOutput) {
    hasher.combine(output.actions)
    hasher.combine(output.batch.knownAt)
    hasher.combine(output.batch.candles)
    hasher.combine(output.batch.ledger)
    hasher.combine(output.batch.quality)
    hasher.combine(output.batch.ticks)
    hasher.combine(output.batch.oracleMinutes)
    hasher.combine(output.events)
    hasher.combine(output.ticks)
    hasher.combine(output.notes)
  }

  var value: Int { hasher.finalize() }
}
