import Evaluation
import Features
import Market
import TestSupport
import Testing

@testable import candlecast

/// Audits of a view of two series, sound and with planted leaks.
struct ViewAuditTests {
  private static let view = MarketView("chainlink:BTC/USD+binance:BTCUSDT")!
  private static let target = PredictionTarget.direction(horizonMinutes: 15)
  private static let start = Timestamp(minute: RandomWalk.firstMinute)

  /// Volumes come before, within and after the grace, or never; some prices come late.
  private static func events(_ count: Int, seed: UInt64) -> [MarketEvent] {
    var random = SplitMix64(seed: seed)
    return RandomWalk()(seed: seed, count: count).flatMap { candle -> [MarketEvent] in
      let isLate = Int.random(in: 0..<40, using: &random) == 0
      let prices = isLate ? Int64.random(in: 60...1800, using: &random) * 1_000_000 : 2_000_000
      let volumes: Int64? =
        switch Int.random(in: 0..<30, using: &random) {
        case 0: nil
        case 1: .random(in: 8...1800, using: &random) * 1_000_000
        case 2...6: .random(in: 2_000_000...7_000_000, using: &random)
        default: 1_000_000
        }
      return [
        .candle(view.price, CandleRecord(candle.pricesOnly, lateAt: candle.closeTime.adding(microseconds: prices)))
      ]
        + (volumes.map { delay in
          [.candle(view.series[1], CandleRecord(candle, lateAt: candle.closeTime.adding(microseconds: delay)))]
        } ?? [])
    }
  }

  private func report(
    _ perturbations: [Perturbation]? = nil, cut: Timestamp = start.adding(minutes: 440),
    knowledge: (([MarketEvent], Timestamp) -> [MarketEvent])? = nil
  ) throws -> LeakageReport {
    var subject = StoredDataSubject(view: Self.view, target: Self.target, version: nil)
    if let knowledge { subject.knowledge = knowledge }
    let audit = LeakageAudit(Self.view, perturbations: perturbations, seed: 3)
    return try audit.run(
      subject, events: Self.events(500, seed: 5), cuts: [cut])
  }

  @Test func `what is made of both series depends on nothing later and on no price of the second`() throws {
    let audit = LeakageAudit(Self.view, seed: 3)
    #expect(audit.perturbations == Perturbation.allCases)
    #expect(!LeakageAudit(MarketView(price: Self.view.price), seed: 3).perturbations.contains(.unread))
    let report = try report()
    #expect(report.isClean, "\(report.leaks)")
    #expect(report.comparedCount > 5000)
  }

  @Test func `a close of the volume series that is used is named`() throws {
    let report = try report([.repetition, .prices, .unread]) { events, cut in
      let known = events.filter { $0.availableAt <= cut }.byAvailability
      return known.map { event in
        guard case .candle(Self.view.series[1], var record) = event else { return event }
        record.candle.volume = record.candle.close
        return .candle(Self.view.series[1], record)
      }
    }
    let names = Set(report.leaks.map(\.artefact))
    #expect(names.isSuperset(of: ["feature volume_mean_20", "feature obv", "scaler"]))
    #expect(!names.contains("feature return_1") && !names.contains("label direction-15m"))
    #expect(report.leaks.allSatisfy { $0.perturbations == [.unread] })
    #expect(report.leaks[0].description.contains("reads prices or quote amounts of the series that gives only volumes"))
  }

  @Test func `volumes used before they were available are named`() throws {
    let late = try #require(
      Self.events(500, seed: 5).first { event in
        guard case .candle(Self.view.series[1], let record) = event else { return false }
        return record.candle.openTime > Self.start.adding(minutes: 400)
          && record.availableAt > record.candle.closeTime.adding(microseconds: 60_000_000)
      })
    let cut = late.record.candle.closeTime.adding(microseconds: 30_000_000)
    let report = try report([.repetition, .volumes], cut: cut) { events, cut in
      events.map { event in
        guard case .candle(Self.view.series[1], var record) = event else { return event }
        record.availableAt = min(record.availableAt, record.candle.closeTime)
        return .candle(Self.view.series[1], record)
      }.filter { $0.availableAt <= cut }.byAvailability
    }
    let names = Set(report.leaks.map(\.artefact))
    #expect(names.contains("feature trades_per_minute"), "\(names)")
    #expect(!names.contains("feature return_1"))
    #expect(report.leaks.allSatisfy { $0.perturbations == [.volumes] })
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `all ways agree on a view with holes and late candles of either series`(seed: UInt64) throws {
    let audit = ParityAudit(
      view: Self.view, target: Self.target, version: nil, seed: seed,
      events: Self.events(440, seed: seed).byAvailability)
    let report = try audit.run()
    #expect(report.isClean, "\(report.ways.compactMap(\.difference))")
    #expect(report.ways.count == 4 && report.ways.allSatisfy { $0.vectors > 350 })
  }

  @Test func `a batch over other volumes is reported with its column`() throws {
    let audit = ParityAudit(
      view: Self.view, target: Self.target, version: nil, seed: 1, events: Self.events(400, seed: 9).byAvailability)
    let truth = Array(audit.events.joined(in: Self.view))
    var candles = truth
    candles[350].trades *= 2
    let difference = try #require(try audit.batch(of: candles, against: truth).difference)
    #expect(difference.time == candles[350].openTime.adding(minutes: 1) && difference.what == "trades_per_minute")
  }
}
