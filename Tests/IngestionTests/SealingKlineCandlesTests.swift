import Ingestion
import Market
import Testing
import Venues

struct SealingKlineCandlesTests {
  private let start = Int64(28_000_000)

  private func kline(_ minute: Int64, close: String = "100", closed: Bool = true, at seconds: Int64? = nil) -> Kline {
    let candle = Candle(
      openTime: Timestamp(minute: start + minute), open: Decimal8("100")!, high: Decimal8("200")!, low: Decimal8("50")!,
      close: Decimal8(close)!, volume: .zero)
    let time = seconds.map { Timestamp(minute: start).adding(microseconds: $0 * 1_000_000) } ?? candle.closeTime
    return Kline(candle: candle, isClosed: closed, time: time)
  }

  private func outputs(_ klines: [Kline]) -> [SealingOutput] {
    var candles = KlineCandles()
    return klines.flatMap { candles.receive($0, now: $0.time) }
  }

  private func sealed(_ kline: Kline, isRevision: Bool = false) -> SealingOutput {
    .sealed(SealedCandle(kline.candle, .live, isRevision: isRevision))
  }

  @Test func `a closed kline is whole whenever the connection began`() {
    #expect(outputs([kline(0, closed: false, at: 58), kline(0)]) == [sealed(kline(0))])
    #expect(outputs([kline(0)]) == [sealed(kline(0))])
  }

  @Test func `a minute left open is asked for and its partial values are not given`() {
    let left = outputs([kline(0, closed: false, at: 30), kline(1, closed: false, at: 61), kline(1)])
    #expect(left == [.unfinished(minute: start), sealed(kline(1))])
  }

  @Test func `a close that comes late is given after all`() {
    let late = outputs([kline(0, closed: false, at: 30), kline(1, closed: false, at: 61), kline(0), kline(0)])
    #expect(late == [.unfinished(minute: start), sealed(kline(0))])
  }

  @Test func `other values of a given minute are a revision and older ones are nothing`() {
    let first = kline(0, close: "100", at: 61)
    let second = kline(0, close: "101", at: 62)
    #expect(outputs([first, second, second, first]) == [sealed(first), sealed(second, isRevision: true)])
    let old = outputs([kline(0), kline(500), kline(0, close: "101", at: 30_100)])
    #expect(old.last == sealed(kline(0, close: "101", at: 30_100), isRevision: true))
  }

  @Test func `a kline that no market has is refused`() {
    var wrong = kline(0)
    wrong.candle.high = Decimal8("60")!
    var candles = KlineCandles()
    guard case .refused = candles.receive(wrong, now: wrong.time).first else { Issue.record("high"); return }
    guard case .refused = candles.receive(kline(0), now: Timestamp(minute: start - 60)).first else {
      Issue.record("ahead")
      return
    }
    #expect(candles.receive(kline(0), now: kline(0).time).count == 1)
  }
}
