import Ingestion
import Market
import Storage
import TestSupport
import Testing

struct LinkClockTests {
  private let start = Timestamp("2025-01-01T12:00:00Z")!
  private let series = Series(.binance, .btcusdt)

  private func after(_ milliseconds: Int64) -> Timestamp { start.adding(microseconds: milliseconds * 1000) }

  @Test func `an offset above the bound is one event and ends with it`() {
    var skew = ClockSkew(series)
    var events: [QualityEvent] = []
    for step in Int64(0)..<40 {
      let offset: Int64 = (10..<20).contains(step) ? 400 : 30
      let sent = after(step * 1000)
      let received = after(step * 1000 + 80)
      events += [skew.measured(venue: after(step * 1000 + 40 + offset), sent: sent, received: received)].compactMap(
        \.self)
    }
    #expect(events.map(\.type) == ["clock_skew", "clock_skew"])
    #expect(events[0].resolvedAt == nil)
    #expect(events[0].details == #"{"offset_microseconds":400000,"bound_microseconds":40000}"#)
    #expect(events[1].createdAt == events[0].createdAt && events[1].resolvedAt != nil)
    #expect(skew.venueTime(after(0)) == after(30))
  }

  @Test(arguments: Soak.seeds(20)) func `the true offset lies within the bound, outliers or not`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let offset = Int64.random(in: -5_000_000...5_000_000, using: &random)
    var skew = ClockSkew(series)
    for step in 0..<50 {
      let sent = start.adding(minutes: step)
      let out = Int64.random(in: 1000...(step % 5 == 0 ? 400_000 : 60_000), using: &random)
      let back = Int64.random(in: 1000...60_000, using: &random)
      let venue = sent.adding(microseconds: out + offset)
      _ = skew.measured(venue: venue, sent: sent, received: sent.adding(microseconds: out + back))
      guard let estimate = skew.estimate else { continue }
      #expect(abs(estimate.offsetMicroseconds - offset) <= estimate.boundMicroseconds)
    }
  }

  @Test func `answers that took too long or came before they were asked say nothing`() {
    var skew = ClockSkew(series)
    _ = skew.measured(venue: after(0), sent: after(0), received: after(900))
    _ = skew.measured(venue: after(0), sent: after(10), received: after(0))
    _ = skew.measured(venue: .distantPast, sent: after(0), received: after(2))
    #expect(skew.estimate == nil)
  }

  @Test func `an answer that took too long still says what the venue's clock has shown at least`() {
    var skew = ClockSkew(series)
    #expect(skew.leastVenueTime(after(0)) == nil)
    _ = skew.measured(venue: after(5_000), sent: after(0), received: after(6_000))
    #expect(skew.estimate == nil)
    #expect(skew.leastVenueTime(after(8_000)) == after(7_000))
    _ = skew.measured(venue: after(8_050), sent: after(8_000), received: after(8_100))
    #expect(skew.leastVenueTime(after(9_000)) == after(9_000))
  }

  @Test(arguments: Soak.seeds(20)) func `nothing arrives before it happened and order is kept`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let behind = Int64.random(in: -200_000...2_000_000, using: &random)
    var pass = ArrivalClock()
    let records = (0..<500).map { step in
      let event = after(Int64(step) * 100)
      return (event, event.adding(microseconds: .random(in: 0...90_000, using: &random) - behind))
    }.sorted { $0.1 < $1.1 }
    var last = Timestamp.distantPast
    for (event, recorded) in records {
      let arrival = pass.arrival(recorded, of: event)
      #expect(arrival >= event && arrival >= last)
      last = arrival
    }
    #expect(pass.offsetMicroseconds == max(0, records.map { $0.0.microseconds - $0.1.microseconds }.max()!))
    var second = ArrivalClock(offsetMicroseconds: pass.offsetMicroseconds)
    for (event, recorded) in records { _ = second.arrival(recorded, of: event) }
    #expect(second == pass)
  }

  @Test func `an event hours ahead is wrong itself`() {
    var clock = ArrivalClock()
    #expect(clock.arrival(after(0), of: after(5 * 3_600_000)) == after(0))
    #expect(clock.arrival(after(0), of: .distantFuture) == after(0))
    #expect(clock.arrival(after(0), of: .distantPast) == after(0))
    #expect(clock.arrival(after(0), of: nil) == after(0))
  }
}
