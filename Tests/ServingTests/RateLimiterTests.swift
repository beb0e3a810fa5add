import Market
import Testing
import Transport

@testable import Serving

struct RateLimiterTests {
  private func client(_ number: UInt64) -> ClientAddress { ClientAddress(high: 7, low: number) }

  @Test(arguments: 0..<5) func `over any stretch a client gets its burst and so many a second`(seed: UInt64) {
    var (limiter, generator) = (RateLimiter(perSecond: 10, burst: 20), SplitMix64(seed: seed))
    var (time, taken): (Double, [Double]) = (0, [])
    for _ in 0..<5000 {
      time += Double.random(in: 0...0.1, using: &generator)
      if limiter.take(client(1), at: time) == nil { taken.append(time) }
    }
    for (place, start) in taken.enumerated() {
      let within = taken[place...].prefix { $0 < start + 5 }.count
      #expect(within <= 20 + 50 + 1, "seed \(seed)")
    }
    #expect(Double(taken.count) >= time * 10 - 1, "seed \(seed)")
  }

  @Test func `waiting as long as told is enough`() {
    var limiter = RateLimiter(perSecond: 3, burst: 1)
    #expect(limiter.take(client(1), at: 5) == nil)
    let wait = limiter.take(client(1), at: 5.1) ?? 0
    #expect(limiter.take(client(1), at: 5.1 + wait + 1e-9) == nil)
  }

  @Test func `strangers without number cost no memory without end`() {
    var limiter = RateLimiter(perSecond: 1, burst: 2)
    for number in 0..<20_000 { _ = limiter.take(client(UInt64(number)), at: Double(number) / 1e6) }
    #expect(limiter.clients <= RateLimiter.mostClients)
  }

  @Test func `no limit is no limit`() {
    var limiter = RateLimiter(perSecond: 0, burst: 1)
    for _ in 0..<1000 { #expect(limiter.take(client(1), at: 0) == nil) }
    #expect(limiter.clients == 0)
  }
}
