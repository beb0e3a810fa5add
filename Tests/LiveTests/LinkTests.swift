import Ingestion
import Market
import Storage
import Tape
import Testing
import VenueSimulator
import Venues

/// What becomes of sockets that are closed, silent or incomplete.
@Suite struct LinkTests {
  private func simulation(
    _ name: String, _ feed: any FeedProtocol, minutes: Int, _ edit: (inout Simulation.Plan) -> Void
  ) throws -> Simulation {
    var plan = Simulation.Plan(seed: 2)
    (plan.minutes, plan.quietMinutes, plan.endsWithRecheck) = (minutes, 3, false)
    (plan.tradesPerMinute, plan.quietOneIn) = (40...60, 0)
    edit(&plan)
    let simulation = try Simulation(plan, name, feed)
    try simulation.run()
    try simulation.finish()
    return simulation
  }

  @Test func `credentials that a relay refuses are reported and tried again once an hour`() throws {
    let credentials = PolyBoltProtocol.Credentials(apiKey: "key", secret: Secret("secret"), passphrase: Secret(""))
    let feed = PolyBoltProtocol(venue: Venue("sim-chainlink")!, credentials: credentials)
    let simulation = try simulation("polybolt", feed, minutes: 90) {
      ($0.channels, $0.feedSymbols) = ([.ticks], [.bitcoinUSD])
    }
    #expect(simulation.connects.count == 2)
    #expect(
      simulation.seconds(ofNotes: "does not accept the credentials (4001), and it is not tried again for 3600 s").count
        == 2)
    #expect(simulation.process?.core.report.feeds[0].isConnected == false)
  }

  @Test(arguments: [("4001 by the peer", nil), ("by the peer", 4001), ("", 1000)] as [(String, UInt16?)])
  func `why a socket was closed comes back from the tape`(reason: String, code: UInt16?) throws {
    let id = SocketID(feed: 1, number: 7)
    let record = LiveTape.record(StampedInput(.closed(id, code: code, reason: reason), at: Timestamp(minute: 1)))
    guard case .closed(id, code, reason)? = try LiveTape.input(of: record)?.input else {
      Issue.record("another input came back")
      return
    }
    let old = TapeRecord(
      arrivalNanoseconds: 0, source: record.source, kind: record.kind, payload: Array("the connection was lost".utf8))
    guard case .closed(id, nil, "the connection was lost")? = try LiveTape.input(of: old)?.input else {
      Issue.record("an older tape is read otherwise")
      return
    }
  }

  static let others: [(String, any VenueProtocol)] = [
    ("coinbase", CoinbaseAdvancedProtocol(venue: .simulatedCoinbase)),
    ("coinbase-exchange", CoinbaseExchangeProtocol(venue: .simulatedCoinbase)),
    ("bybit", BybitProtocol(venue: .simulatedBybit)),
  ]

  @Test(arguments: others.indices)
  func `requests tell what a silent stream does not, whatever the venue`(place: Int) throws {
    let (name, feed) = Self.others[place]
    let simulation = try simulation(name, feed, minutes: 20) {
      $0.channels = feed.candleSource == .klines ? [.klines, .trades, .quotes] : [.trades, .quotes]
      $0.faults = [Fault(.silence, atSeconds: 600, lastingSeconds: 180)]
      $0.thresholds.maxTickAgeMilliseconds = 20_000
    }
    let helped = simulation.processes.flatMap(\.between).filter {
      $0.state == "untrained" && $0.forecast?.source == .fallback
    }
    #expect(helped.count >= 3, Comment(rawValue: simulation.report([])))
    #expect(helped.allSatisfy { ($0.forecast?.current ?? 0) > 0 })
    for path in [name == "coinbase" ? "ticker" : "trade", "book"] {
      #expect(!simulation.seconds(ofRequests: path).isEmpty, "\(name): \(path)")
    }
  }

  @Test func `a jump in the numbers of frames is counted and checked, and books are begun anew`() throws {
    let feed = CoinbaseAdvancedProtocol(venue: .simulatedCoinbase)
    let missing = Fault(.missing, atSeconds: 300, lastingSeconds: 20, amount: 2)
    let simulation = try simulation("coinbase", feed, minutes: 12) {
      $0.channels = [.trades, .books]
      $0.faults = [missing]
    }
    let noted = simulation.seconds(ofNotes: "are lost")
    #expect(!noted.isEmpty && noted.allSatisfy { (300...321).contains($0) })
    #expect(simulation.process?.core.report.feeds[0].counts.dropped ?? 0 >= noted.count)
    #expect(simulation.seconds(ofNotes: "(incomplete)").first == noted.first)
    #expect(simulation.seconds(ofRequests: "/candles").contains { (360...365).contains($0) })
    #expect(try simulation.state(ofMinute: 5) == .patched(from: "sim-coinbase rest"))
    #expect(try simulation.state(ofMinute: 8) == .live)
  }
}
