import Ingestion
import Market
import Storage
import Testing
import Venues

/// A feed that only fetches what is missing and ends.
struct LiveOneShotTests {
  private static let start = Timestamp("2024-03-31T12:00:30Z")!

  private func core() -> LiveCore {
    let series = SeriesPlan(symbol: .btcusdt, firstMinute: Self.start.minute - 2000)
    let feed = FeedPlan(venue: .binance, interface: "binance", channels: [], series: [series])
    return LiveCore(
      LivePlan(seed: 1, thresholds: LiveThresholds(), feeds: [feed]), protocols: [BinanceProtocol(venue: .binance)],
      now: Self.start)
  }

  /// Ticks for so many seconds and answers every request at once; returns when it was done and what it said.
  private func play(
    seconds: Int, _ answer: (RequestID) -> LiveInput
  ) -> (doneAfter: Int?, notes: [LiveNote]) {
    var core = core()
    var output = core.start()
    var notes = output.notes
    for second in 0..<seconds {
      let now = Self.start.adding(microseconds: Int64(second) * 1_000_000)
      var asked = output.actions
      while !asked.isEmpty {
        guard case .request(let id, _, _) = asked.removeFirst() else { continue }
        let more = core.step(answer(id), at: now)
        asked += more.actions
        notes += more.notes
      }
      if core.isDone { return (second, notes) }
      output = core.step(.tick, at: now)
      notes += output.notes
    }
    return (nil, notes)
  }

  @Test func `a venue that cannot be reached is given up after some tries, with the reason told`() throws {
    let played = play(seconds: 300) { .answer($0, .failed(reason: "nobody is there")) }
    let doneAfter = try #require(played.doneAfter)
    #expect((5...60).contains(doneAfter))
    let told = played.notes.filter { $0.level == .warning && $0.message.contains("nobody is there") }
    #expect(told.count >= 5)
  }

  @Test func `nothing is asked for past the end, however long it takes`() {
    var series = SeriesPlan(symbol: .btcusdt, firstMinute: Self.start.minute - 20)
    series.endMinute = Self.start.minute - 10
    let feed = FeedPlan(venue: .binance, interface: "binance", channels: [], series: [series])
    var core = LiveCore(
      LivePlan(seed: 1, thresholds: LiveThresholds(), feeds: [feed]), protocols: [BinanceProtocol(venue: .binance)],
      now: Self.start)
    var ledger = core.start().batch.ledger
    for minute in 1..<10 { ledger += core.step(.tick, at: Self.start.adding(minutes: minute)).batch.ledger }
    #expect(ledger.map(\.range.upperBound).max() == series.endMinute)
    #expect(core.report.feeds[0].series[0].missingMinutes == 10)
  }

  @Test func `a venue that is in trouble is given up too`() throws {
    let answer = VenueAnswer(status: 503, headers: [], body: [])
    let played = play(seconds: 300) { .answer($0, .answered(answer)) }
    #expect(try #require(played.doneAfter) <= 60)
  }

  @Test(arguments: [0, 1_000, 30_000])
  func `the newest minute is fetched though the candles came before the clock, and that late`(late: Int64) throws {
    let start = Timestamp("2024-03-31T12:00:01Z")!
    var series = SeriesPlan(symbol: .btcusdt, firstMinute: start.minute - 5)
    series.endMinute = start.minute
    let feed = FeedPlan(venue: .binance, interface: "binance", channels: [], series: [series])
    var core = LiveCore(
      LivePlan(seed: 1, thresholds: LiveThresholds(), feeds: [feed]), protocols: [BinanceProtocol(venue: .binance)],
      now: start)
    var asked = core.start().actions
    var clocks: [RequestID] = []
    for second in 0..<60 where !core.isDone {
      let now = start.adding(microseconds: Int64(second) * 1_000_000)
      while !asked.isEmpty {
        guard case .request(let id, let request, _) = asked.removeFirst() else { continue }
        guard request.path.contains("klines") else {
          clocks.append(id)
          continue
        }
        asked += core.step(.answer(id, .answered(candles(before: start.minute))), at: now).actions
      }
      if Int64(second) * 1000 >= late {
        for id in clocks {
          let time = VenueAnswer(status: 200, headers: [], body: Array(#"{"serverTime":\#(now.milliseconds)}"#.utf8))
          asked += core.step(.answer(id, .answered(time)), at: now).actions
        }
        clocks = []
      }
      asked += core.step(.tick, at: now).actions
    }
    #expect(core.isDone)
    #expect(core.report.feeds[0].series[0].missingMinutes == 0 && core.report.feeds[0].series[0].counts.patched == 5)
  }

  private func candles(before minute: Int64) -> VenueAnswer {
    let rows = (minute - 5..<minute).map { minute in
      let open = minute * 60_000
      return #"[\#(open),"1.0","1.0","1.0","1.0","2.0",\#(open + 59_999),"2.0",3,"1.0","1.0","0"]"#
    }
    return VenueAnswer(status: 200, headers: [], body: Array("[\(rows.joined(separator: ","))]".utf8))
  }
}
