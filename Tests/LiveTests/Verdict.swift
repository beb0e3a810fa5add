import Ingestion
import Market
import Storage
import Tape
import VenueSimulator
import Venues

/// What is wrong with a simulation that has ended; nothing, if all is well.
struct Verdict {
  let simulation: Simulation
  private(set) var complaints: [String] = []

  /// After the quiet end of a feed that takes up again what it missed.
  init(_ simulation: Simulation) throws {
    self.simulation = simulation
    for series in simulation.series {
      if simulation.tell is any OracleProtocol { try judgeOracle(series) } else { try judgeCandles(series) }
      try judgeMinutes(series)
      if simulation.plan.channels.contains(.trades) { try judgeTrades(series) }
      try judgeQuality(series)
    }
    judgeManners()
    try judgeStores()
    try judgeReplay()
    try judgePredictions()
  }

  mutating func complain(_ text: String) { if complaints.count < 30 { complaints.append(text) } }

  private var offset: Int64 { simulation.plan.clockAheadMicroseconds }

  private var isFromTrades: Bool { simulation.tell.candleSource == .trades }

  // MARK: Candles

  /// Binance gives minutes with every column. Elsewhere they may have less, and those made of trades have quote amounts
  /// that are sums of their own.
  private func shows(_ truth: Candle, _ stored: Candle) -> Bool {
    guard !(simulation.tell is BinanceProtocol) else { return truth == stored }
    var stored = stored
    if isFromTrades { (stored.quoteVolume, stored.takerBuyQuote) = (nil, nil) }
    return truth.covers(stored)
  }

  /// The versions of every minute that the venue ever showed, by when they began to be shown.
  private func versions(_ series: Series) -> [Int64: [(from: Timestamp, candle: Candle)]] {
    let rewrites = simulation.plan.faults.filter { $0.kind == .rewrite }.map {
      simulation.begin.adding(microseconds: $0.atMicroseconds)
    }
    var versions: [Int64: [(from: Timestamp, candle: Candle)]] = [:]
    for time in rewrites.sorted() + [simulation.end] {
      for before in [time.adding(microseconds: -1), time] {
        for candle in simulation.truth(of: series, at: before) {
          let minute = candle.openTime.minute
          guard versions[minute]?.last?.candle != candle else { continue }
          versions[minute, default: []].append((versions[minute] == nil ? candle.closeTime : before, candle))
        }
      }
    }
    return versions
  }

  private mutating func judgeCandles(_ series: Series) throws {
    let truth = versions(series)
    let learned = simulation.learned[series] ?? [:]
    for record in try simulation.store.candles(series) {
      let minute = record.candle.openTime.minute
      let allowed = truth[minute] ?? []
      // What was shown when the venue was last asked, or later.
      let asked = learned[minute] ?? .distantPast
      let from = allowed.last { $0.from <= asked }?.from ?? .distantPast
      guard let match = allowed.last(where: { shows($0.candle, record.candle) }) else {
        complain("\(series) \(record.candle.openTime) is stored as \(record.candle), which the venue never showed")
        continue
      }
      if match.from < from {
        complain("\(series) \(record.candle.openTime) stands as before \(from), although it was asked at \(asked)")
      }
      judgeTimes(series, record)
    }
    let all = Range(uncheckedBounds: (Timestamp.distantPast, Timestamp.distantFuture))
    var before: CandleRevision?
    for revision in try simulation.store.revisions(series, in: all, asOf: .distantFuture) {
      let candle = revision.record.candle
      if truth[candle.openTime.minute]?.contains(where: { shows($0.candle, candle) }) != true {
        complain("\(series) \(candle.openTime) was stored as \(candle), which the venue never showed")
      }
      if let before, before.record.candle.openTime == candle.openTime {
        if before.record.candle.covers(candle) { complain("\(series) \(candle.openTime) is stored twice") }
        if before.record.knownAt >= revision.record.knownAt || before.revision + 1 != revision.revision {
          complain("\(series) \(candle.openTime): versions are out of order")
        }
      }
      before = revision
      judgeTimes(series, revision.record)
    }
  }

  private mutating func judgeTimes(_ series: Series, _ record: CandleRecord) {
    let close = record.candle.closeTime
    if record.availableAt < close { complain("\(series) \(record.candle.openTime) is available before its close") }
    // Event time is the venue's, whose clock may be set ahead by so much.
    let earliest = close.adding(microseconds: -1 - Simulation.Plan.mostVenueClockMicroseconds)
    if record.knownAt.adding(microseconds: -offset) < earliest {
      complain("\(series) \(record.candle.openTime) is known before its close")
    }
    if record.knownAt > record.availableAt, record.knownAt > close.adding(microseconds: abs(offset) + 1) {
      complain("\(series) \(record.candle.openTime) was available before it was stored")
    }
    if record.isAvailabilityAssumed || record.provenance == .archive {
      complain("\(series) \(record.candle.openTime) has \(record.provenance) as its source")
    }
  }

  // MARK: Ledger

  private mutating func judgeMinutes(_ series: Series) throws {
    let ledger = try simulation.store.ledger(series, .minutes)
    let records = try simulation.store.candles(series)
    let stored = Dictionary(uniqueKeysWithValues: records.map { ($0.candle.openTime.minute, $0.provenance) })
    let all = simulation.truth(of: series, at: simulation.end)
    // A venue whose minutes are made of trades has none where nothing was traded.
    let truth = Set(all.filter { !isFromTrades || $0.trades ?? 0 > 0 }.map(\.openTime.minute))
    guard let first = ledger.first?.range.lowerBound else { return complain("\(series) has no ledger") }
    var next = first
    for range in ledger {
      if range.range.lowerBound != next { complain("\(series) ledger: minutes from \(shown(next)) have no state") }
      next = range.range.upperBound
      for minute in range.range { judge(minute, range.state, stored[minute], truth.contains(minute), series) }
    }
    let due = simulation.end.minute
    if next < due { complain("\(series) ledger ends at \(shown(next)), not at \(shown(due))") }
    for minute in stored.keys.sorted() where minute < first || minute >= next {
      complain("\(series) \(shown(minute)) is stored, but not in the ledger")
    }
  }

  private mutating func judge(
    _ minute: Int64, _ state: LedgerState, _ provenance: Provenance?, _ exists: Bool, _ series: Series
  ) {
    switch state {
    case .live:
      if provenance == nil { complain("\(series) \(shown(minute)) is live, and not stored") }
    case .patched:
      if provenance == nil { complain("\(series) \(shown(minute)) is patched, and not stored") }
    case .missing: complain("\(series) \(shown(minute)) is missing still")
    case .lost(let reason):
      if exists || provenance != nil { complain("\(series) \(shown(minute)) is lost: \(reason)") }
    }
  }

  private func shown(_ minute: Int64) -> String { "\(Timestamp(minute: minute))" }

  private mutating func judgeTrades(_ series: Series) throws {
    let ledger = try simulation.store.ledger(series, .trades)
    let heard = simulation.heardIds[series.symbol] ?? []
    let fetched = simulation.fetchedIds[series.symbol] ?? []
    guard let first = ledger.first?.range.lowerBound else { return complain("\(series) has no ledger of trades") }
    var next = first
    for range in ledger {
      if range.range.lowerBound != next { complain("\(series) trades from \(next) have no state") }
      next = range.range.upperBound
      switch range.state {
      case .live:
        let absent = range.range.filter { !heard.contains($0) }
        if let id = absent.first { complain("\(series) \(absent.count) trades from \(id) are live, but never came") }
      case .patched:
        let absent = range.range.filter { !fetched.contains($0) }
        if let id = absent.first { complain("\(series) \(absent.count) trades from \(id) are patched, but never came") }
      case .missing: complain("\(series) trades \(range.range) are missing still")
      case .lost(let reason): complain("\(series) trades \(range.range) are lost: \(reason)")
      }
    }
    // Ids go into the ledger once a minute, in which no simulation has so many trades.
    if let last = heard.max(), next <= last - 60 { complain("\(series) ledger of trades ends at \(next), not \(last)") }
  }

  // MARK: Quality

  private mutating func judgeQuality(_ series: Series) throws {
    let open = try simulation.store.qualityEvents(series, unresolvedOnly: true, limit: 1000)
    guard let report = simulation.process?.core.report.feeds[0],
      let numbers = report.series.first(where: { $0.series == series })?.quality
    else { return complain("nothing runs at the end") }
    let knobs = simulation.plan.thresholds
    for (type, events) in Dictionary(grouping: open, by: \.type) {
      if events.count > 1, !type.hasSuffix("gap") { complain("\(series) \(events.count) events of \(type) are open") }
      let isTrue =
        switch type {
        case "completeness": numbers.completeness.map { $0 < knobs.completeness } ?? true
        case "missing": numbers.missing.map { $0 > knobs.missing } ?? true
        case "stale": numbers.staleSeconds.map { $0 > knobs.staleSeconds } ?? true
        case "invalid": numbers.invalid.map { $0 > knobs.invalid } ?? true
        case "clock_skew":
          report.clockOffsetMicroseconds.map { Double(abs($0)) > knobs.skewAlarmMilliseconds * 1000 } ?? true
        default: false
        }
      if !isTrue { complain("\(series) \(type) since \(events[0].createdAt) is open: \(events[0].details)") }
    }
  }

  // MARK: Manners and bounds

  private mutating func judgeManners() {
    let asked = Set(simulation.plan.faults.filter { $0.kind == .status }.map { Int($0.amount) })
    for status in [418, 429] where !asked.contains(status) && simulation.network.refusals[status] != nil {
      complain("the venue answered \(status)")
    }
    for text in simulation.impatience.prefix(3) { complain("asked too soon: \(text)") }
    if simulation.network.openLines > 2 { complain("\(simulation.network.openLines) sockets are open at the end") }
    if simulation.network.agenda.count > 200 { complain("\(simulation.network.agenda.count) things are under way") }
    guard let report = simulation.process?.core.report.feeds[0] else { return }
    if report.backfill.waitingJobs + report.backfill.running > 0 { complain("backfills wait: \(report.backfill)") }
    if !report.isConnected { complain("it is not connected") }
  }

  private mutating func judgeStores() throws {
    guard simulation.stores.count == 2 else { return }
    let (model, real) = (simulation.stores[0], simulation.stores[1])
    for series in simulation.series {
      if try model.candles(series) != real.candles(series) { complain("\(series): the stores differ in candles") }
      let all = Range(uncheckedBounds: (Timestamp.distantPast, Timestamp.distantFuture))
      if try model.revisions(series, in: all, asOf: .distantFuture)
        != real.revisions(series, in: all, asOf: .distantFuture)
      {
        complain("\(series): the stores differ in revisions")
      }
      for kind in LedgerKind.allCases where try model.ledger(series, kind) != real.ledger(series, kind) {
        complain("\(series): the stores differ in their ledgers of \(kind)")
      }
      let events = try simulation.stores.map { Set(try $0.qualityEvents(series, unresolvedOnly: false, limit: 10_000)) }
      if events[0] != events[1] { complain("\(series): the stores differ in quality events") }
      if try model.observations(series) != real.observations(series) {
        complain("\(series): the stores differ in ticks")
      }
      if try model.oracleMinutes(series) != real.oracleMinutes(series) {
        complain("\(series): the stores differ in oracle minutes")
      }
    }
  }

  // MARK: Replay

  /// Played back from their tapes, all processes do the same again.
  private mutating func judgeReplay() throws {
    for process in simulation.processes {
      guard let start = try LiveTape.start(of: LiveTape.record(process.start)) else {
        return complain("a start is lost on tape")
      }
      let known = Dictionary(start.memories.map { ($0.venue, $0.memory) }) { first, _ in first }
      var core = LiveCore(start.plan, protocols: [simulation.tell], memories: known, now: start.time)
      try core.prime(from: simulation.store, before: start.time)
      let predictor = Predictor(start.view)
      try predictor.warmUp(from: simulation.store, asOf: start.time)
      var (predictions, between): ([Said], [Said]) = ([], [])
      var outputs = OutputHash()
      let first = core.start()
      outputs.combine(first)
      between += predictor.takeTicks(first, at: first.batch.knownAt).map(Said.init)
      for record in process.records {
        guard let input = try LiveTape.input(of: record) else { return complain("an input is lost on tape") }
        let output = core.step(input.input, at: input.time)
        outputs.combine(output)
        between += predictor.takeTicks(output, at: output.batch.knownAt).map(Said.init)
        guard !output.events.isEmpty else { continue }
        predictions += predictor.take(output.events, now: output.batch.knownAt).map(Said.init)
      }
      if between != process.between { complain("process \(process.number) predicts between candles differently") }
      if predictions != process.predictions { complain("process \(process.number) predicts differently on replay") }
      if outputs.value != process.outputs.value { complain("process \(process.number) plays back differently") }
    }
  }
}

extension Verdict {
  /// What is stored gives the stored predictions again, and nothing that became available later changes any.
  private mutating func judgePredictions() throws {
    let view = MarketView(price: simulation.series[0])
    var events: [MarketEvent] = []
    try simulation.store.readEvents(view, in: .all) { events.append($0) }
    let told = Self.predictions(view, events)
    for (question, said) in simulation.predictions.sorted(by: { $0.key.time < $1.key.time }) {
      guard let again = told[question] else {
        complain("the prediction of \(question.time) for \(question.target) does not follow from the store")
        continue
      }
      if again.inputHash != said.inputHash || again.probabilityUp != said.probabilityUp {
        complain("the prediction of \(question.time) saw what the store had not by \(said.availableAt)")
      }
    }
    var random = SplitMix64(seed: simulation.plan.seed ^ 0x1EA)
    for _ in 0..<3 {
      guard let cut = events.randomElement(using: &random)?.availableAt else { return }
      let changed = Self.predictions(view, events.map { $0.availableAt > cut ? $0.changed : $0 })
      for (question, said) in told where said.availableAt <= cut && changed[question] != said {
        complain("the prediction of \(question.time) changes with what became available after \(cut)")
      }
    }
  }

  private static func predictions(_ view: MarketView, _ events: [MarketEvent]) -> [Said.Question: Said] {
    let predictor = Predictor(view)
    var told: [Said.Question: Said] = [:]
    var rest = events[...]
    while let first = rest.first {
      let together = rest.prefix { $0.availableAt == first.availableAt }
      rest = rest.dropFirst(together.count)
      for said in predictor.take(Array(together), now: first.availableAt).map(Said.init)
      where told[said.question] == nil {
        told[said.question] = said
      }
    }
    return told
  }
}

extension MarketEvent {
  fileprivate var changed: MarketEvent {
    guard case .candle(let series, var record) = self else { return self }
    for price in [\Candle.open, \Candle.high, \Candle.low, \Candle.close] {
      record.candle[keyPath: price] =
        Decimal8(units: record.candle[keyPath: price].units * 11 / 10) ?? record.candle[keyPath: price]
    }
    return .candle(series, record)
  }
}

extension Simulation {
  /// The seed, what is wrong, and what happened before the end, or from the start on.
  func report(_ complaints: [String], isWhole: Bool = false) -> String {
    let lines = history.suffix(isWhole ? history.count : 60).map { "\($0.time) \($0.text)" }
    return (["seed \(plan.seed):"] + complaints + ["what happened:"] + lines).joined(separator: "\n")
  }
}
