import Evaluation
import Market
import Testing

struct AuditTests {
  private static let start = Timestamp("2024-01-01")!

  /// A walk of 240 minutes, each candle available half a second after its close, a few revised ten minutes later.
  private static let view = MarketView(price: Series(.binance, .btcusdt))

  private let events: [MarketEvent] = {
    var generator = SplitMix64(seed: 42)
    var units: Int128 = 4_000_000_000_000
    return (0..<240).flatMap { minute -> [MarketEvent] in
      units += Int128(generator.next() % 2001) * 1_000_000 - 1_000_000_000
      let price = Decimal8(units: units)!
      let candle = Candle(
        openTime: start.adding(minutes: minute), open: price, high: price, low: price, close: price,
        volume: Decimal8(units: Int128(generator.next() % 1_000_000_000)))
      let available = candle.closeTime.adding(microseconds: 500_000)
      let record = CandleRecord(
        candle: candle, availableAt: available, knownAt: available, provenance: .live, isAvailabilityAssumed: false)
      guard minute % 50 == 7 else { return [.candle(view.price, record)] }
      var revision = record
      revision.candle.close = Decimal8(units: units + 100_000_000)!
      revision.candle.high = revision.candle.close
      revision.availableAt = available.adding(minutes: 10)
      return [.candle(view.price, record), .candle(view.price, revision)]
    }
  }()

  private func cuts(_ audit: LeakageAudit, _ count: Int = 3) -> [Timestamp] {
    audit.randomCuts(count, in: Self.start.adding(minutes: 100)..<Self.start.adding(minutes: 200))
  }

  @Test(arguments: [1, 2, 3])
  func `a sound pipeline passes`(seed: UInt64) throws {
    let audit = LeakageAudit(Self.view, seed: seed)
    let report = try audit.run(PlantedPipeline(leak: nil), events: events, cuts: cuts(audit))
    #expect(report.isClean, "\(report.leaks)")
    #expect(report.comparedCount > 1000)
  }

  @Test(arguments: PlantedPipeline.Leak.allCases)
  func `a planted leak is named, and only it`(leak: PlantedPipeline.Leak) throws {
    let audit = LeakageAudit(Self.view, seed: 7)
    let report = try audit.run(PlantedPipeline(leak: leak), events: events, cuts: cuts(audit))
    #expect(report.leaks.map(\.artefact) == [leak.artefact])
    #expect(report.leaks.first?.perturbations.contains(.everything) == true)
    #expect(report.leaks.first?.perturbations.contains(.repetition) == false)
  }

  @Test func `a revision used too early is told from a changed price`() throws {
    let audit = LeakageAudit(Self.view, perturbations: [.prices, .volumes, .deletions, .revisions], seed: 3)
    let cut = Self.start.adding(minutes: 130)
    let original = events.filter { $0.availableAt == $0.record.candle.closeTime.adding(microseconds: 500_000) }
    let report = try audit.run(PlantedPipeline(leak: .revisionBeforeItsTime), events: original, cuts: [cut])
    #expect(report.leaks.first?.perturbations == [.revisions])
    #expect(report.leaks.first?.description.contains("feature close of 2024-01-01T") == true)
  }

  private struct Counter: AuditSubject {
    let state = SharedCount()

    func artefacts(from events: [MarketEvent], by cut: Timestamp) -> [Artefact] {
      state.value += 1
      return [Artefact("count", [Double(state.value)])]
    }

    final class SharedCount { var value = 0 }
  }

  @Test func `what differs without any change is called not deterministic`() throws {
    let report = try LeakageAudit(Self.view, seed: 1).run(
      Counter(), events: events, cuts: [Self.start.adding(minutes: 50)])
    #expect(report.leaks.first?.description.contains("not deterministic") == true)
  }

  private struct Absent: AuditSubject {
    func artefacts(from events: [MarketEvent], by cut: Timestamp) -> [Artefact] {
      events.contains { $0.availableAt > cut.adding(minutes: 200) } ? [Artefact("late", [1.0])] : []
    }
  }

  @Test func `an artefact that only one run has is a leak`() throws {
    let cut = Self.start.adding(minutes: 39)
    let last = events.suffix(1)
    let audit = LeakageAudit(Self.view, perturbations: [.deletions], seed: 1)
    let seeds = (0..<20).map { LeakageAudit(Self.view, perturbations: [.deletions], seed: $0) }
    let leaks = try seeds.flatMap { try $0.run(Absent(), events: Array(last), cuts: [cut]).leaks }
    #expect(!leaks.isEmpty && leaks.allSatisfy { $0.artefact == "late" })
    #expect(try !audit.run(Absent(), events: [], cuts: [cut]).isClean)
  }

  @Test(arguments: Perturbation.allCases.filter { $0 != .unread }, [1, 2, 3, 4] as [UInt64])
  func `a perturbation leaves everything available by the cut as it was`(change: Perturbation, seed: UInt64) {
    let cut = Self.start.adding(minutes: 120)
    let after = change.applied(to: events, of: Self.view, after: cut, seed: seed)
    #expect(after.filter { $0.availableAt <= cut } == events.filter { $0.availableAt <= cut })
    #expect((after == events) == (change == .repetition))
    #expect(after.allSatisfy { $0.record.candle.violation == nil })
  }

  @Test func `of the series that gives volumes only what must not be read is changed at any time`() throws {
    let series = Series(.chainlink, try #require(Symbol("BTC/USD")))
    let view = MarketView(price: series, volume: Self.view.price)
    let both = events.flatMap { [$0, .candle(series, $0.record)] }
    let after = Perturbation.unread.applied(to: both, of: view, after: Self.start.adding(minutes: 120), seed: 1)
    func records(_ events: [MarketEvent], _ wanted: Series) -> [CandleRecord] {
      events.compactMap { if case .candle(wanted, let record) = $0 { record } else { nil } }
    }
    #expect(records(after, series) == records(both, series))
    let (old, new) = (records(both, Self.view.price), records(after, Self.view.price))
    #expect(old.count == new.count && zip(old, new).allSatisfy { $0.candle.close != $1.candle.close })
    #expect(old.map(\.candle.volume) == new.map(\.candle.volume) && old.map(\.availableAt) == new.map(\.availableAt))
    #expect(new.allSatisfy { $0.candle.violation == nil })
  }
}

extension MarketEvent {
  var record: CandleRecord {
    switch self {
    case .candle(_, let record): record
    }
  }
}
