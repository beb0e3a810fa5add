import Ingestion
import Market
import Storage
import Testing
import Venues

/// What a live feed makes of a venue that gives no data.
struct LiveRefusalTests {
  private static let series = Series(.binance, Symbol("BTCUSDT")!)
  private static let start = Timestamp(minute: 29_000_000)

  /// A feed that fetches ten minutes and is answered the same for an hour.
  private func hour(of result: RequestResult) -> (report: SeriesReport, ledger: [LedgerRange], notes: [String]) {
    let plan = LivePlan(
      seed: 1, thresholds: LiveThresholds(),
      feeds: [
        FeedPlan(
          venue: .binance, interface: "binance", channels: [],
          series: [SeriesPlan(symbol: Self.series.symbol, firstMinute: Self.start.minute - 10)])
      ])
    var core = LiveCore(plan, protocols: [BinanceProtocol()], now: Self.start)
    var ledger: [LedgerRange] = []
    var notes: [String] = []
    var outputs = [core.start()]
    for second in 1...3600 {
      let now = Self.start.adding(microseconds: Int64(second) * 1_000_000)
      for action in outputs.flatMap(\.actions) {
        if case .request(let id, _, _) = action { outputs.append(core.step(.answer(id, result), at: now)) }
      }
      ledger += outputs.flatMap(\.batch.ledger)
      notes += outputs.flatMap(\.notes).map(\.message)
      outputs = [core.step(.tick, at: now)]
    }
    return (core.report.feeds[0].series[0], ledger, notes)
  }

  private func isLost(_ range: LedgerRange) -> Bool { if case .lost = range.state { true } else { false } }

  @Test(arguments: [401, 403, 451]) func `who is not let in loses nothing`(status: Int) {
    let outcome = hour(of: .answered(VenueAnswer(status: status, headers: [], body: Array("no".utf8))))
    #expect(outcome.report.missingMinutes >= 10)
    #expect(!outcome.ledger.contains(where: isLost))
  }

  @Test func `what a venue refuses to give is lost`() {
    let outcome = hour(of: .answered(VenueAnswer(status: 400, headers: [], body: Array("no".utf8))))
    #expect(outcome.ledger.contains { $0.state == .lost(reason: "refused with HTTP 400: not JSON: no") })
  }

  @Test func `a request without an answer is logged with its reason and loses nothing`() {
    let outcome = hour(of: .failed(reason: "the name does not resolve"))
    #expect(outcome.notes.contains("binance: no answer: the name does not resolve"))
    #expect(!outcome.ledger.contains(where: isLost))
  }
}
