import FoundationEssentials
import Ingestion
import Market
import TestSupport
import Testing

struct LimitsTests {
  private let noon = Timestamp("2025-01-01T12:00:00Z")!

  private func after(_ seconds: Double) -> Timestamp { noon.adding(microseconds: Int64(seconds * 1_000_000)) }

  private func limiter(_ limit: Int, share: Double = 0.8) -> WeightLimiter {
    var options = WeightLimiter.Options()
    (options.limit, options.share) = (limit, share)
    return WeightLimiter(options)
  }

  @Test func `no more than the share is used in a minute of the venue's clock`() {
    var limiter = limiter(100)
    for second in 0..<40 { #expect(limiter.permit(2, now: after(Double(second))) == .go) }
    #expect(limiter.permit(2, now: after(50)) == .wait(until: after(60)))
    #expect(limiter.permit(2, now: after(60)) == .go)
    #expect(limiter.state.used == 2)
  }

  @Test func `where a venue counts by the second a burst waits for the next one`() {
    var options = WeightLimiter.Options()
    options.perSecond = 10
    var limiter = WeightLimiter(options)
    for _ in 0..<8 { #expect(limiter.permit(1, now: after(1.5)) == .go) }
    #expect(limiter.permit(1, now: after(1.9)) == .wait(until: after(2)))
    #expect(limiter.permit(1, now: after(2)) == .go)
    #expect(limiter.state.used == 9)
  }

  @Test func `what others used of the address counts and what an earlier minute used does not`() {
    var limiter = limiter(100)
    #expect(limiter.permit(10, now: after(1)) == .go)
    limiter.answered(used: 75, sentAt: after(1), now: after(2))
    #expect(limiter.permit(10, now: after(3)) == .wait(until: after(60)))
    limiter.answered(used: 3, sentAt: after(3), now: after(4))
    #expect(limiter.state.used == 75)
    limiter.answered(used: 99, sentAt: after(59), now: after(61))
    #expect(limiter.permit(10, now: after(62)) == .go)
  }

  @Test func `the venue's limit replaces the preset and the share is a knob`() {
    var limiter = limiter(100, share: 0.5)
    limiter.learned(limit: 6000)
    #expect(limiter.usableWeight == 3000)
    limiter.learned(limit: 0)
    #expect(limiter.usableWeight == 3000)
  }

  @Test func `a request heavier than the share goes alone`() {
    var limiter = limiter(100)
    #expect(limiter.permit(90, now: after(0)) == .go)
    #expect(limiter.permit(1, now: after(1)) == .wait(until: after(60)))
  }

  @Test func `nothing is sent before the venue allows it`() {
    var limiter = limiter(100)
    limiter.refused(status: 429, retryAfterSeconds: 130, now: after(5))
    #expect(limiter.permit(1, now: after(134.9)) == .wait(until: after(135)))
    limiter.refused(status: 429, retryAfterSeconds: 1, now: after(6))
    #expect(limiter.permit(1, now: after(100)) == .wait(until: after(135)))
    #expect(limiter.permit(1, now: after(135)) == .go)
    limiter.refused(status: 418, retryAfterSeconds: nil, now: after(136))
    #expect(limiter.state.isBanned)
  }

  @Test func `pauses without a word of their length grow and begin anew after success`() {
    var limiter = limiter(100)
    var now = noon
    var pauses: [Int64] = []
    for _ in 0..<8 {
      limiter.refused(status: 429, retryAfterSeconds: nil, now: now)
      guard case .wait(let until) = limiter.permit(1, now: now) else { Issue.record("go"); return }
      pauses.append((until.microseconds - now.microseconds) / 1_000_000)
      now = until
      #expect(limiter.permit(1, now: now) == .go)
    }
    #expect(pauses == [10, 20, 40, 80, 160, 320, 600, 600])
    limiter.answered(used: nil, sentAt: now, now: now)
    #expect(limiter.state.strikes == 0)
  }

  @Test func `a program that crashes and starts in a loop keeps to limit and ban`() throws {
    var stored = WeightLimiter.State()
    var sent = 0
    for crash in 0..<500 {
      let now = after(Double(crash) * 0.1)
      var options = WeightLimiter.Options()
      options.limit = 100
      var limiter = WeightLimiter(restoring: stored, options, now: now)
      if limiter.permit(1, now: now) == .go { sent += 1 }
      stored = try JSONDecoder().decode(WeightLimiter.State.self, from: JSONEncoder().encode(limiter.state))
    }
    #expect(sent == 80)
    var limiter = WeightLimiter(restoring: stored, now: after(59))
    limiter.refused(status: 418, retryAfterSeconds: 7200, now: after(59))
    var restarted = WeightLimiter(restoring: limiter.state, now: after(200))
    #expect(restarted.permit(1, now: after(7258)) == .wait(until: after(7259)))
  }

  @Test func `a stored block that no venue gives is cut`() throws {
    let text = #"{"minute":-5,"used":-7,"blockedUntil":"2199-01-01T00:00:00Z","isBanned":true,"strikes":99}"#
    let stored = try JSONDecoder().decode(WeightLimiter.State.self, from: Data(text.utf8))
    var limiter = WeightLimiter(restoring: stored, now: noon)
    #expect(limiter.permit(1, now: noon) == .wait(until: after(3 * 86_400)))
    #expect(limiter.state.used == 0)
  }

  @Test(arguments: Soak.seeds(20)) func `no span of five minutes sees more connections than allowed, over restarts`(
    seed: UInt64
  ) {
    var random = SplitMix64(seed: seed)
    var options = ConnectBudget.Options()
    options.connects = .random(in: 1...20, using: &random)
    var budget = ConnectBudget(options)
    var begun: [Timestamp] = []
    var now = noon
    for _ in 0..<500 {
      now = now.adding(microseconds: .random(in: 0...20_000_000, using: &random))
      if .random(in: 0..<20, using: &random) == 0 {
        budget = ConnectBudget(restoring: budget.state, options, now: now)
      }
      switch budget.permit(now: now) {
      case .go: begun.append(now)
      case .wait(let until):
        #expect(until > now)
        #expect(begun.count { until.microseconds - $0.microseconds < 300_000_000 } == options.connects - 1)
      }
    }
    for last in begun {
      let span = begun.count { $0 <= last && last.microseconds - $0.microseconds < 300_000_000 }
      #expect(span <= options.connects)
    }
  }
}
