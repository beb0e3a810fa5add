import Ingestion
import Market
import Storage
import Testing
import VenueSimulator
import Venues

/// One thing goes wrong at a time.
@Suite struct ScenarioTests {
  private func simulation(
    minutes: Int = 20, quiet: Int = 5, _ faults: [Fault] = [], _ edit: (inout Simulation.Plan) -> Void = { _ in }
  ) throws -> Simulation {
    var plan = Simulation.Plan(seed: 1)
    (plan.minutes, plan.quietMinutes, plan.faults) = (minutes, quiet, faults)
    plan.endsWithRecheck = false
    (plan.tradesPerMinute, plan.quietOneIn) = (40...60, 0)
    edit(&plan)
    let simulation = try Simulation(plan)
    try simulation.run()
    try simulation.finish()
    return simulation
  }

  private func expectWhole(_ simulation: Simulation, _ location: SourceLocation = #_sourceLocation) throws {
    let complaints = try Verdict(simulation).complaints
    #expect(complaints.isEmpty, Comment(rawValue: simulation.report(complaints)), sourceLocation: location)
  }

  private func revisions(of simulation: Simulation) throws -> [CandleRevision] {
    let all = Timestamp.distantPast..<Timestamp.distantFuture
    return try simulation.store.revisions(simulation.series[0], in: all, asOf: .distantFuture)
  }

  private let rest = LedgerState.patched(from: "sim-binance rest")

  @Test func `without trouble every minute of the stream is live and everything before it is patched`() throws {
    let simulation = try simulation()
    try expectWhole(simulation)
    #expect(try simulation.state(ofMinute: -1) == rest)
    for minute in 0..<24 { #expect(try simulation.state(ofMinute: Int64(minute)) == .live) }
    #expect(simulation.connects.count == 1)
  }

  @Test func `a disconnect over the border of a minute costs no minute`() throws {
    let simulation = try simulation([Fault(.disconnect, atSeconds: 295, lastingSeconds: 20)])
    try expectWhole(simulation)
    #expect(try simulation.state(ofMinute: 4) == rest)
    #expect(try simulation.state(ofMinute: 3) == .live)
    #expect(try simulation.state(ofMinute: 6) == .live)
  }

  @Test func `a socket that is silent is replaced before it is dropped`() throws {
    let simulation = try simulation {
      $0.cutsAtSeconds = [295]
      $0.quality.hidesCutsOneIn = 1
    }
    try expectWhole(simulation)
    let second = try #require(simulation.seconds(ofNotes: "(silent)").first)
    #expect((315...335).contains(second))
    let dropped = try #require(simulation.seconds(ofNotes: "(replaced)").first)
    #expect((5...8).contains(dropped - second))
    #expect(simulation.connects.count == 2)
    #expect(try simulation.state(ofMinute: 4) == rest)
    let rechecked = simulation.seconds(ofRequests: "limit=60").filter { $0 > 60 }
    #expect(rechecked.isEmpty, "only the time since the newest data is checked")
  }

  @Test func `a venue that is silent on every socket is asked less and less often`() throws {
    let simulation = try simulation(minutes: 40, [Fault(.silence, atSeconds: 300, lastingSeconds: 1200)])
    try expectWhole(simulation)
    #expect((4...8).contains(simulation.seconds(ofNotes: "(silent)").count))
    #expect(simulation.seconds(ofNotes: "(replaced)").isEmpty)
    for minute in 6..<24 { #expect(try simulation.state(ofMinute: Int64(minute)) == rest) }
    #expect(try simulation.state(ofMinute: 26) == .live)
  }

  @Test func `while the stream is silent requests tell what happens between candles`() throws {
    let simulation = try simulation([Fault(.silence, atSeconds: 600, lastingSeconds: 180)]) {
      $0.thresholds.maxTickAgeMilliseconds = 20_000
    }
    try expectWhole(simulation)
    let helped = simulation.processes.flatMap(\.between).filter { $0.forecast?.source == .fallback }
    #expect(helped.count { $0.state == "untrained" } >= 4, Comment(rawValue: simulation.report([])))
  }

  @Test func `few trades beside klines do not cost socket after socket`() throws {
    let simulation = try simulation(minutes: 60) {
      $0.tradesPerMinute = 0...1
      $0.quietOneIn = 2
    }
    // Klines pause with the trades, but not for a whole minute.
    #expect(simulation.connects.count <= 3, Comment(rawValue: simulation.report([])))
  }

  @Test func `a socket is replaced before the venue cuts it off after a day`() throws {
    let simulation = try simulation(minutes: 1450, quiet: 2) { $0.channels = [.klines] }
    try expectWhole(simulation)
    #expect(simulation.connects.count == 2)
    let replaced = try #require(simulation.seconds(ofNotes: "(rotation)").first)
    #expect((84_600...85_900).contains(replaced))
    for minute in 0..<1450 { #expect(try simulation.state(ofMinute: Int64(minute)) == .live) }
  }

  @Test func `a venue that announces its shutdown is left before it shuts down`() throws {
    let simulation = try simulation([Fault(.shutdown, atSeconds: 290, amount: 20)])
    try expectWhole(simulation)
    #expect(simulation.seconds(ofNotes: "(shutdown)") == [290])
    for minute in 0..<20 { #expect(try simulation.state(ofMinute: Int64(minute)) == .live) }
  }

  @Test func `a minute that is closed late is fetched, and its late end changes nothing`() throws {
    let simulation = try simulation([Fault(.late, atSeconds: 290, lastingSeconds: 200, amount: 5)])
    try expectWhole(simulation)
    for minute in 4..<8 { #expect(try simulation.state(ofMinute: Int64(minute)) == rest) }
    #expect(try revisions(of: simulation).isEmpty)
  }

  @Test func `a minute that is never closed is fetched and its partial values are never stored`() throws {
    let simulation = try simulation([Fault(.partial, atSeconds: 290, lastingSeconds: 200)])
    try expectWhole(simulation)
    for minute in 4..<8 { #expect(try simulation.state(ofMinute: Int64(minute)) == rest) }
    #expect(try revisions(of: simulation).isEmpty)
  }

  @Test(arguments: [Int64(429), 418])
  func `a refusal is obeyed over a restart`(status: Int64) throws {
    let refusal = Fault(.status, atSeconds: 300, lastingSeconds: 240, amount: status)
    let simulation = try simulation([refusal]) { $0.crashes = [.init(atSeconds: 400, downSeconds: 2)] }
    try expectWhole(simulation)
    let asked = simulation.requests.map { ($0.time.microseconds - simulation.begin.microseconds) / 1_000_000 }
    #expect(asked.count { (300..<540).contains($0) } == 1)
    #expect(simulation.processes.count == 2)
  }

  @Test func `rewritten history is found by the check after a reconnect and not before`() throws {
    let rewrite = Fault(.rewrite, atSeconds: 610, amount: 5)
    #expect(try revisions(of: simulation([rewrite])).isEmpty)
    let aware = try simulation([rewrite]) { $0.cutsAtSeconds = [700] }
    try expectWhole(aware)
    let revised = try revisions(of: aware)
    #expect(Set(revised.map(\.record.candle.openTime)).count == 5)
    #expect(revised.count == 10)
  }

  @Test func `with recovery off what a stopped process missed is lost on record`() throws {
    let simulation = try simulation {
      $0.crashes = [.init(atSeconds: 400, downSeconds: 300)]
      $0.thresholds.takesUpAgain = false
    }
    let lost = LedgerState.lost(reason: "missed while nothing ran, and recovery is off")
    for minute in 7..<11 { #expect(try simulation.state(ofMinute: Int64(minute)) == lost) }
    #expect(try simulation.state(ofMinute: 12) == .live)
    #expect(simulation.seconds(ofRequests: "klines").isEmpty)
    #expect(simulation.seconds(ofRequests: "aggTrades").isEmpty)
    let trades = try simulation.store.ledger(simulation.series[0], .trades)
    #expect(trades.map(\.state) == [.live, lost, .live])
    let open = try simulation.store.qualityEvents(nil, unresolvedOnly: true, limit: 10)
    #expect(open.filter { $0.type.hasSuffix("gap") }.isEmpty)
  }

  @Test func `a silence over the threshold is fetched while it lasts`() throws {
    let simulation = try simulation([Fault(.disconnect, atSeconds: 300, lastingSeconds: 400)])
    try expectWhole(simulation)
    let fetched = try #require(simulation.seconds(ofRequests: "klines").first { $0 > 300 })
    #expect((368...374).contains(fetched))
    for minute in 5..<11 { #expect(try simulation.state(ofMinute: Int64(minute)) == rest) }
  }

  @Test func `a gap that grows is told once when it opens and once when it closes`() throws {
    // Every request fails, so that nothing is patched before the end.
    let simulation = try simulation([
      Fault(.disconnect, atSeconds: 300, lastingSeconds: 400),
      Fault(.status, atSeconds: 290, lastingSeconds: 500, amount: 500),
    ])
    try expectWhole(simulation)
    #expect(simulation.seconds(ofEvents: "gap").filter { $0 > 290 }.count >= 5)
    #expect(simulation.seconds(ofNotes: " gap opened").filter { $0 > 290 }.count == 1)
    #expect(simulation.seconds(ofNotes: " gap closed").filter { $0 > 290 }.count == 1)
  }

  @Test func `five requests run at once and the oldest minutes come first`() throws {
    let simulation = try simulation([Fault(.slow, atSeconds: 0, lastingSeconds: 120, amount: 3)]) {
      $0.thresholds.candlesPerRequest = 6
      $0.firstMinutes = 90
      $0.thresholds.recheckMinutes = 0
    }
    try expectWhole(simulation)
    #expect(simulation.mostFetches == 5)
    let starts = simulation.requests.compactMap { sent -> Int64? in
      guard sent.time < simulation.time(ofSecond: 60), sent.request.path.contains("klines"),
        let text = sent.request.path.split(separator: "startTime=").last?.split(separator: "&").first
      else { return nil }
      return Int64(text)
    }
    #expect(starts.count >= 15)
    // Minutes of which the first answer could not say that they are over come again.
    let first = Array(starts.prefix(15))
    #expect(first == first.sorted())
  }

  @Test func `minutes that the venue does not have are lost on record`() throws {
    let simulation = try simulation { $0.absentMinutes = [$0.historyMinutes - 30, $0.historyMinutes + 5] }
    try expectWhole(simulation)
    for minute in [Int64(-30), 5] {
      #expect(try simulation.state(ofMinute: minute) == .lost(reason: "sim-binance rest does not have it"))
    }
  }

  @Test func `the minutes of an oracle are made of its ticks, those of long ago too`() throws {
    var plan = Simulation.Plan(seed: 1)
    (plan.historyMinutes, plan.firstMinutes, plan.minutes, plan.quietMinutes) = (170, 150, 20, 5)
    (plan.channels, plan.endsWithRecheck) = ([.ticks], false)
    plan.faults = [Fault(.disconnect, atSeconds: 295, lastingSeconds: 150)]
    plan.feedSymbols = [.bitcoinUSD]
    let simulation = try Simulation(plan, "chainlink", DataStreamsProtocol.simulated)
    try simulation.run()
    try simulation.finish()
    let ledger = try simulation.store.ledger(simulation.series[0], .minutes)
    #expect(ledger.allSatisfy { $0.state != .missing })
    var venue = simulation.network.venue
    var wrong: [Timestamp] = []
    let records = try simulation.store.candles(simulation.series[0])
    for record in records {
      let ticks = venue.ticks(of: .btcusdt, minute: record.candle.openTime).map(\.price)
      let expected = [ticks.first, ticks.max(), ticks.min(), ticks.last].map { $0?.rounded }
      let candle = record.candle
      if expected != [candle.open, candle.high, candle.low, candle.close] { wrong.append(candle.openTime) }
    }
    // Those in which the socket was opened or lost were asked for.
    #expect(wrong.isEmpty, "\(wrong)")
    #expect(try simulation.store.oracleMinutes(simulation.series[0]).filter(\.isSampled).isEmpty)
    #expect(records.count >= 173)
  }

  @Test func `minutes in which a relay's socket opened or broke are marked, and those between are not`() throws {
    var plan = Simulation.Plan(seed: 1)
    (plan.minutes, plan.quietMinutes, plan.endsWithRecheck) = (10, 5, false)
    (plan.channels, plan.feedSymbols) = ([.ticks], [.bitcoinUSD])
    plan.startMicroseconds = 20_000_000
    // Longer than what a relay repeats when a socket opens.
    plan.faults = [Fault(.disconnect, atSeconds: 400, lastingSeconds: 200)]
    let simulation = try Simulation(plan, "rtds", RelayProtocol(venue: .simulatedChainlink))
    try simulation.run()
    try simulation.finish()
    let minutes = try simulation.store.oracleMinutes(simulation.series[0])
    let sampled = minutes.filter(\.isSampled).map { $0.openTime.minutes(since: simulation.begin) }
    #expect(sampled.first == 6 && sampled.allSatisfy { (6...9).contains($0) }, "\(sampled)")
    #expect(minutes.count >= 10)
  }
}
