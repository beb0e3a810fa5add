import Market
import TestSupport
import Testing
import Venues

@testable import VenueSimulator

struct FaultTests {
  private static let binance = BinanceProtocol(usesMicroseconds: true)

  private func play(
    _ faults: [Fault], _ channels: Set<Channel> = [.klines, .trades]
  ) throws -> (stage: Stage, outputs: [SimulatedOutput]) {
    var stage = try Stage(streamed: 10, faults: faults)
    let plans = Self.binance.sockets(for: [Stage.symbol], channels, now: stage.market.split)
    let outputs = try stage.play("binance", plans)
    return (stage, outputs)
  }

  private func seconds(_ stage: Stage, _ output: SimulatedOutput) -> Int64 {
    (output.time.microseconds - stage.market.split.microseconds) / 1_000_000
  }

  @Test func `a disconnected line is dead, and none is let in for a while`() throws {
    var (stage, outputs) = try play([Fault(.disconnect, atSeconds: 70, lastingSeconds: 20)])
    #expect(outputs.closings == [nil])
    #expect(outputs.last.map { seconds(stage, $0) } == 70)
    let then = stage.market.split.adding(microseconds: 80_000_000)
    #expect(stage.venues[0].open(5, path: "/ws", headers: [], at: then) == .refused(status: 503, body: []))
    let later = stage.market.split.adding(microseconds: 91_000_000)
    #expect(stage.venues[0].open(5, path: "/ws", headers: [], at: later) == .accepted)
  }

  @Test func `silence keeps the socket open`() throws {
    let (stage, outputs) = try play([Fault(.silence, atSeconds: 60, lastingSeconds: 90)])
    #expect(outputs.closings.isEmpty)
    #expect(!outputs.contains { (60..<150).contains(seconds(stage, $0)) })
    #expect(outputs.contains { seconds(stage, $0) >= 150 })
  }

  @Test func `duplicates come twice`() throws {
    let (_, plain) = try play([])
    let (_, doubled) = try play([Fault(.duplicate, atSeconds: 0, lastingSeconds: 601)])
    #expect(doubled.count == plain.count * 2)
  }

  @Test func `reordered frames are the same ones`() throws {
    let (_, plain) = try play([])
    let (_, shuffled) = try play([Fault(.reorder, atSeconds: 60, lastingSeconds: 60)])
    #expect(shuffled.texts != plain.texts)
    #expect(shuffled.texts.sorted() == plain.texts.sorted())
  }

  @Test func `a minute may never be closed, or late`() throws {
    let (stage, partial) = try play([Fault(.partial, atSeconds: 0, lastingSeconds: 130)])
    #expect(try partial.messages(Self.binance).closedCandles == Array(stage.truth().suffix(8)))
    let (_, late) = try play([Fault(.late, atSeconds: 0, lastingSeconds: 130, amount: 8)])
    let closings = late.filter { output in
      [output].texts.contains { $0.contains("\"x\":true") }
    }
    #expect(closings.map { seconds(stage, $0) } == [68, 128] + (3...10).map { $0 * 60 })
    #expect(try late.messages(Self.binance).closedCandles == Array(stage.truth().suffix(10)))
  }

  @Test func `missing trades leave holes in the ids`() throws {
    let (_, outputs) = try play([Fault(.missing, atSeconds: 0, lastingSeconds: 120, amount: 3)])
    let trades = try outputs.messages(Self.binance).trades
    let missing = zip(trades, trades.dropFirst()).reduce(0) { $0 + $1.1.id - $1.0.id - 1 }
    #expect(missing > 50)
  }

  @Test(arguments: [429, 418, 503] as [Int64]) func `requests are refused`(status: Int64) throws {
    var stage = try Stage(faults: [Fault(.status, atSeconds: 10, lastingSeconds: 20, amount: status)])
    let then = stage.market.split.adding(microseconds: 15_000_000)
    let answer = stage.get("binance", "/api/v3/ping", at: then)
    #expect(answer.status == Int(status) && answer.plain.header("Retry-After") == "16")
    #expect(stage.get("binance", "/api/v3/ping", at: then.adding(microseconds: 16_000_000)).status == 200)
  }

  @Test func `answers are slow or cut`() throws {
    var stage = try Stage(faults: [Fault(.slow, atSeconds: 0, amount: 4), Fault(.truncate, atSeconds: 20)])
    #expect(stage.get("binance", "/api/v3/time").delayMicroseconds == 4_000_000)
    let answer = stage.get("binance", "/api/v3/time", at: stage.market.split.adding(microseconds: 25_000_000))
    #expect(answer.cutAfterBytes == answer.body.count / 2)
  }

  @Test func `damaged frames are errors and never other values`() throws {
    let (_, plain) = try play([])
    let known = Set(try plain.messages(Self.binance))
    let (_, outputs) = try play([Fault(.malformed, atSeconds: 0, lastingSeconds: 600, amount: 2)])
    var refused = 0
    for output in outputs {
      do { for message in try [output].messages(Self.binance) { #expect(known.contains(message)) } } catch {
        refused += 1
      }
    }
    #expect(refused > 300)
  }

  @Test func `a shutdown is announced`() throws {
    let (stage, outputs) = try play([Fault(.shutdown, atSeconds: 30, amount: 7)])
    let messages = try outputs.messages(Self.binance)
    #expect(messages.contains(.shutdown))
    #expect(outputs.closings == [1001])
    #expect(outputs.last.map { seconds(stage, $0) } == 37)
  }

  @Test func `a socket lives a day, or as long as a fault lets it`() throws {
    let (stage, outputs) = try play([Fault(.lifetime, atSeconds: 0, amount: 4)])
    #expect(outputs.closings == [1008])
    #expect(outputs.last.map { seconds(stage, $0) } == 240)
  }

  @Test func `the venue's clock may be wrong`() throws {
    var stage = try Stage(faults: [Fault(.clock, atSeconds: 0, amount: -700)])
    let time = try Self.binance.time(in: stage.get("binance", "/api/v3/time").plain)
    #expect(time == stage.market.split.adding(microseconds: -700_000))
  }

  @Test func `history is rewritten, and the truth with it`() throws {
    var stage = try Stage(streamed: 10, faults: [Fault(.rewrite, atSeconds: 300, amount: 3)])
    let (before, after) = (
      stage.market.split.adding(microseconds: 299_000_000), stage.market.split.adding(microseconds: 301_000_000)
    )
    let old = stage.truth(at: before)
    let new = Array(stage.truth(at: after).prefix(old.count))
    #expect(zip(old, new).count { $0 != $1 } >= 2)
    #expect(new.allSatisfy { $0.violation == nil })
    let request = Self.binance.candlesRequest(Stage.symbol, stage.market.split..<after, limit: 100)
    let read = try Self.binance.candles(Stage.symbol, in: stage.answer("binance", request, at: after).plain)
    #expect(read.prefix(5) == stage.truth(at: after).filter { $0.openTime >= stage.market.split }.prefix(5))
    #expect(stage.truth("bybit", at: after).count == stage.truth(at: after).count)
  }

  @Test func `a text says it all`() throws {
    let start = Timestamp(minute: 0)
    let text = "disconnect@00:10, silence@00:20+90s,late:8@1h+10m%bybit,429@01:02:03,clock:-300@0s,random:12"
    let plan = try FaultPlan(text, start: start, lastingSeconds: 3600, seed: 3)
    #expect(
      Array(
        plan.faults.filter { [.disconnect, .silence, .late].contains($0.kind) && $0.atMicroseconds % 1_000_000 == 0 }
      )
      .contains(Fault(.late, atSeconds: 3600, lastingSeconds: 600, amount: 8, venue: "bybit")))
    #expect(plan.faults.contains(Fault(.disconnect, atSeconds: 10)))
    #expect(plan.faults.contains(Fault(.silence, atSeconds: 20, lastingSeconds: 90)))
    #expect(plan.faults.contains(Fault(.status, atSeconds: 3723, amount: 429)))
    #expect(plan.faults.contains(Fault(.clock, atSeconds: 0, amount: -300)))
    #expect(plan.faults.count == 17)
    #expect(plan.of("binance").faults.allSatisfy { $0.venue == nil })
  }

  @Test(arguments: [
    "disconnect", "nonsense@00:10", "silence@x", "silence@00:10+", "99@00:10", "late:0@00:10", "late:x@1m", "random:-1",
    "silence@00:10+5s+6s", "status@00:10", "late:1:2@00:10", "disconnect@99999999999999999999s",
  ])
  func `other texts are refused`(text: String) {
    #expect(throws: FaultTextError.self) {
      try FaultPlan(text, start: Timestamp(minute: 0), lastingSeconds: 3600, seed: 1)
    }
  }
}
