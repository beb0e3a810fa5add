import Ingestion
import Market
import Storage
import Testing
import VenueSimulator
import Venues

/// Each knob of a live feed does what it says.
@Suite struct KnobTests {
  private func simulation(
    _ faults: [Fault] = [], minutes: Int = 15, _ edit: (inout Simulation.Plan) -> Void = { _ in }
  ) throws -> Simulation {
    var plan = Simulation.Plan(seed: 3)
    (plan.minutes, plan.quietMinutes, plan.faults) = (minutes, 2, faults)
    plan.endsWithRecheck = false
    (plan.tradesPerMinute, plan.quietOneIn) = (40...60, 0)
    edit(&plan)
    let simulation = try Simulation(plan)
    try simulation.run()
    try simulation.finish()
    return simulation
  }

  private let cut = Fault(.disconnect, atSeconds: 300, lastingSeconds: 500)

  @Test(arguments: [(70.0, Int64(370)), (200.0, 500)])
  func `gapSeconds is how old the newest data may be before minutes are fetched`(
    seconds: Double, expected: Int64
  ) throws {
    let simulation = try simulation([cut]) { $0.thresholds.gapSeconds = seconds }
    let fetched = try #require(simulation.seconds(ofRequests: "klines").first { $0 > 300 })
    #expect(abs(fetched - expected) <= 4)
  }

  @Test(arguments: [(60.0, Int64(360)), (20.0, 320)])
  func `gapAlarmSeconds is how old the newest data may be before it is a warning`(
    seconds: Double, expected: Int64
  ) throws {
    let simulation = try simulation([cut]) { $0.thresholds.gapAlarmSeconds = seconds }
    let warned = try #require(simulation.seconds(ofNotes: "the feed may have a gap").first { $0 > 300 })
    #expect(abs(warned - expected) <= 4)
  }

  @Test(arguments: [1, 3, 5])
  func `backfillsAtOnce is how many requests run`(count: Int) throws {
    let simulation = try simulation([Fault(.slow, atSeconds: 0, lastingSeconds: 60, amount: 3)]) {
      $0.thresholds.candlesPerRequest = 6
      $0.thresholds.backfillsAtOnce = count
    }
    #expect(simulation.mostFetches == count)
  }

  @Test func `backfillTimeoutSeconds is how long a request is waited for`() throws {
    let slow = Fault(.slow, atSeconds: 0, lastingSeconds: 60, amount: 12)
    let patient = try simulation([slow])
    #expect(patient.seconds(ofNotes: "took too long").isEmpty)
    let hasty = try simulation([slow]) { $0.thresholds.backfillTimeoutSeconds = 4 }
    #expect(hasty.seconds(ofNotes: "took too long").first == 9)
  }

  @Test(arguments: [1000, 20])
  func `candlesPerRequest is how many minutes are asked for at once`(count: Int) throws {
    let simulation = try simulation { $0.thresholds.candlesPerRequest = count }
    let first = try #require(simulation.requests.first { $0.request.path.contains("klines") })
    #expect(first.request.path.contains("limit=\(min(count, 90))"))
  }

  @Test(arguments: [0, 10, 60])
  func `recheckMinutes is how much is checked again after a connection`(count: Int) throws {
    let simulation = try simulation { $0.cutsAtSeconds = [630] }
    let edited = try self.simulation {
      $0.cutsAtSeconds = [630]
      $0.thresholds.recheckMinutes = count
    }
    #expect(simulation.seconds(ofRequests: "limit=60").count { $0 >= 630 } == 1)
    #expect(edited.seconds(ofRequests: "limit=60").count { $0 >= 630 } == (count == 60 ? 1 : 0))
    #expect(edited.seconds(ofRequests: "limit=10").count { $0 >= 630 } == (count == 10 ? 1 : 0))
  }

  @Test(arguments: [(30.0, Int64(330)), (60.0, 360)])
  func `silenceSeconds is how long klines may pause before the socket is replaced`(
    seconds: Double, expected: Int64
  ) throws {
    let simulation = try simulation([Fault(.silence, atSeconds: 300, lastingSeconds: 200)]) {
      $0.thresholds.silenceSeconds = seconds
    }
    let replaced = try #require(simulation.seconds(ofNotes: "(silent)").first)
    #expect(abs(replaced - expected) <= 20)
    #expect(replaced >= expected - 20)
  }

  @Test(arguments: [5, 10])
  func `rotationMinutes is how old a socket becomes`(minutes: Int) throws {
    let simulation = try simulation { $0.thresholds.rotationMinutes = minutes }
    let replaced = try #require(simulation.seconds(ofNotes: "(rotation)").first)
    #expect(Double(replaced) <= Double(minutes) * 60 + 6)
    #expect(Double(replaced) >= Double(minutes) * 60 - 301)
  }

  @Test(arguments: [(250.0, true), (1000, false)])
  func `skewAlarmMilliseconds is how wrong a clock may be`(milliseconds: Double, warns: Bool) throws {
    let simulation = try simulation {
      $0.clockAheadMicroseconds = -600_000
      $0.thresholds.skewAlarmMilliseconds = milliseconds
    }
    #expect(simulation.seconds(ofEvents: "clock_skew").isEmpty != warns)
  }

  @Test(arguments: [20.0, 60.0])
  func `pollSeconds is how often an oracle is asked`(seconds: Double) throws {
    let contract = try #require(AggregatorProtocol.Contract.all.first)
    let feed = AggregatorProtocol(contract, venue: Venue("sim-chainlink")!, path: "")
    var plan = Simulation.Plan(seed: 3)
    (plan.minutes, plan.quietMinutes, plan.endsWithRecheck) = (10, 0, false)
    plan.channels = [.ticks]
    plan.feedSymbols = [.bitcoinUSD]
    plan.thresholds.pollSeconds = seconds
    let simulation = try Simulation(plan, "chainlink", feed)
    try simulation.run()
    let polls = simulation.requests.count
    #expect(abs(polls - Int(600 / seconds)) <= 2)
  }

  @Test(arguments: [(0.95, true), (0.5, false)])
  func `completeness is the least share of stored minutes`(share: Double, opens: Bool) throws {
    let simulation = try simulation(minutes: 40) {
      $0.thresholds.qualityWindowMinutes = 10
      $0.thresholds.completeness = share
      $0.absentMinutes = [$0.historyMinutes + 20, $0.historyMinutes + 22]
    }
    #expect(simulation.seconds(ofEvents: "completeness").isEmpty != opens)
  }

  @Test(arguments: [(0.1, true), (0.5, false)])
  func `missing is the largest share of minutes that the stream did not bring`(share: Double, opens: Bool) throws {
    let simulation = try simulation([Fault(.partial, atSeconds: 1200, lastingSeconds: 180)], minutes: 40) {
      $0.thresholds.qualityWindowMinutes = 10
      $0.thresholds.missing = share
    }
    #expect(simulation.seconds(ofEvents: "missing").isEmpty != opens)
  }

  @Test(arguments: [(300.0, true), (1000.0, false)])
  func `staleSeconds is how old the newest data may be`(seconds: Double, opens: Bool) throws {
    let simulation = try simulation([cut]) { $0.thresholds.staleSeconds = seconds }
    #expect(simulation.seconds(ofEvents: "stale").isEmpty != opens)
  }

  @Test(arguments: [(0.05, true), (0.9, false)])
  func `invalid is the largest share of messages that are of no use`(share: Double, opens: Bool) throws {
    let malformed = Fault(.malformed, atSeconds: 1200, lastingSeconds: 300, amount: 2)
    let simulation = try simulation([malformed], minutes: 40) {
      $0.thresholds.qualityWindowMinutes = 10
      $0.thresholds.invalid = share
    }
    #expect(simulation.seconds(ofEvents: "invalid").isEmpty != opens)
  }

  @Test(arguments: [10, 30])
  func `qualityWindowMinutes is how far back quality is judged`(minutes: Int) throws {
    let simulation = try simulation(minutes: 85) {
      $0.thresholds.qualityWindowMinutes = minutes
      $0.absentMinutes = [$0.historyMinutes + 40, $0.historyMinutes + 41]
    }
    let closed = try #require(
      simulation.events.first { $0.event.type == "completeness" && $0.event.resolvedAt != nil }?.at)
    let age = closed.minutes(since: simulation.begin) - 41
    #expect((minutes - 2...minutes + 3).contains(age))
  }

  @Test(arguments: [60.0, 240.0])
  func `qualityCheckSeconds is how often quality is judged`(seconds: Double) throws {
    let simulation = try simulation([cut]) {
      $0.thresholds.qualityCheckSeconds = seconds
      $0.thresholds.staleSeconds = 100
    }
    let opened = try #require(simulation.seconds(ofEvents: "stale").first)
    // Checks begin with the start, five seconds in.
    #expect((opened - 5) % Int64(seconds) <= 1)
    #expect(opened > 400 && opened <= 400 + Int64(seconds) + 5)
  }

  @Test(arguments: [true, false])
  func `takesUpAgain is whether what was missed is fetched`(isOn: Bool) throws {
    let simulation = try simulation {
      $0.thresholds.takesUpAgain = isOn
      $0.cutsAtSeconds = [630]
    }
    let fetched = simulation.seconds(ofRequests: "klines")
    #expect(fetched.filter { $0 < 630 }.isEmpty != isOn)
    // What is checked after a reconnect begins with the run.
    #expect(fetched.contains { $0 >= 630 })
    #expect(simulation.seconds(ofRequests: "limit=9").contains { $0 >= 630 } != isOn)
  }

  @Test(arguments: [true, false])
  func `makesMarketData is whether trades become rows`(isOn: Bool) throws {
    let simulation = try simulation { $0.thresholds.makesMarketData = isOn }
    #expect((simulation.marketDataRows > 0) == isOn)
  }
}
