import Ingestion
import Market
import Storage
import TestSupport
import Testing

struct QualityMonitorTests {
  private let series = Series(.binance, .btcusdt)
  private let first = Int64(28_000_000)

  private struct Run {
    var events: [QualityEvent] = []
    var monitor: QualityMonitor
  }

  /// Judges `minutes` minutes; `bring` says what arrives in each.
  private func run(
    _ minutes: Int64, _ options: QualityMonitor.Options = .init(),
    bring: (Int64, inout QualityMonitor, Timestamp) -> Void
  ) -> Run {
    var monitor = QualityMonitor(series, options, now: Timestamp(minute: first))
    var events: [QualityEvent] = []
    for minute in 0..<minutes {
      let now = Timestamp(minute: first + minute + 1).adding(microseconds: 1_000_000)
      bring(minute, &monitor, now)
      events += monitor.tick(now: now)
    }
    return Run(events: events, monitor: monitor)
  }

  private func good(_ minute: Int64, _ monitor: inout QualityMonitor, _ now: Timestamp) {
    monitor.stored(first + minute, isLive: true)
    monitor.heard(now, now: now)
    monitor.messages(100, invalid: 0, now: now)
  }

  @Test func `a whole feed raises nothing from its first minute on`() {
    let run = run(200) { good($0, &$1, $2) }
    #expect(run.events.isEmpty)
    #expect(run.monitor.numbers.completeness == 1)
    #expect(run.monitor.numbers.missing == 0)
    #expect(run.monitor.numbers.invalid == 0)
  }

  @Test func `nothing is judged before an hour of minutes was due`() {
    let run = run(60) { _, _, _ in }
    #expect(run.events.map(\.type) == ["stale"])
    #expect(run.monitor.numbers.completeness == nil)
  }

  @Test func `a hole is one event of each measure, opened and closed once`() {
    let run = run(300) { minute, monitor, now in
      if !(100..<110).contains(minute) { good(minute, &monitor, now) }
    }
    #expect(
      run.events.map(\.type).sorted() == ["completeness", "completeness", "missing", "missing", "stale", "stale"])
    for type in ["completeness", "missing", "stale"] {
      let events = run.events.filter { $0.type == type }
      #expect(events.map { $0.resolvedAt == nil } == [true, false])
      #expect(Set(events.map(\.createdAt)).count == 1)
    }
    #expect(run.events.first { $0.type == "completeness" }?.candlesMissing == 4)
  }

  @Test func `what was patched is complete and still was missing from the stream`() {
    let run = run(140) { minute, monitor, now in
      if (100..<110).contains(minute) {
        monitor.stored(first + minute, isLive: false)
        monitor.heard(now, now: now)
      } else {
        good(minute, &monitor, now)
      }
    }
    #expect(run.events.map(\.type) == ["missing"])
  }

  @Test func `unusable messages are an event above the bound`() {
    let run = run(200) { minute, monitor, now in
      good(minute, &monitor, now)
      if (100..<104).contains(minute) { monitor.messages(100, invalid: 95, now: now) }
    }
    #expect(run.events.map(\.type) == ["invalid", "invalid"])
  }

  @Test func `every bound is a knob`() {
    var options = QualityMonitor.Options()
    (options.completeness, options.missing, options.staleSeconds, options.windowMinutes) = (0.5, 0.6, 3600, 20)
    let run = run(120, options) { minute, monitor, now in
      if minute % 3 != 0 { good(minute, &monitor, now) }
    }
    #expect(run.events.isEmpty)
  }

  @Test func `an event that was open before a restart is closed by it`() {
    let old = QualityEvent(series: series, type: "stale", createdAt: Timestamp(minute: first - 100))
    var monitor = QualityMonitor(series, events: [old], now: Timestamp(minute: first))
    let now = Timestamp(minute: first + 1)
    monitor.heard(now, now: now)
    #expect(monitor.tick(now: now).map(\.createdAt) == [old.createdAt])
  }

  @Test(arguments: Soak.seeds(20)) func `numbers are those of the last hour, counted the slow way`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var live: Set<Int64> = []
    var patched: Set<Int64> = []
    var open: [String: QualityEvent] = [:]
    var monitor = QualityMonitor(series, now: Timestamp(minute: first))
    let rate = Int.random(in: 3...40, using: &random)
    for minute in Int64(0)..<400 {
      let now = Timestamp(minute: first + minute + 1).adding(microseconds: .random(in: 0...14_000_000, using: &random))
      if .random(in: 0..<rate, using: &random) != 0 { live.insert(minute) } else { patched.insert(minute) }
      if live.contains(minute) { monitor.stored(first + minute, isLive: true) }
      if let late = patched.randomElement(using: &random), Bool.random(using: &random), minute - late < 50 {
        monitor.stored(first + late, isLive: false)
        patched.remove(late)
      }
      for event in monitor.tick(now: now) {
        #expect((event.resolvedAt == nil) == (open[event.type] == nil))
        open[event.type] = event.resolvedAt == nil ? event : nil
      }
      guard now >= Timestamp(minute: first + minute + 1), minute >= 62, monitor.nextDue > now else { continue }
      guard let missing = monitor.numbers.missing else { continue }
      #expect((open["missing"] != nil) == (missing > 0.1))
      #expect((open["completeness"] != nil) == ((monitor.numbers.completeness ?? 1) < 0.95))
    }
  }
}
