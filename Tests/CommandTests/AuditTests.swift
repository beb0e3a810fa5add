import Evaluation
import Features
import Market
import Testing

@testable import candlecast

struct AuditTests {
  private static let view = MarketView(price: Series(.binance, .btcusdt))
  private static let targets: [PredictionTarget] = [
    .direction(horizonMinutes: 15), .window(lengthMinutes: 15), .change(horizonMinutes: 5),
  ]

  @Test(arguments: targets)
  func `what is made of stored candles does not depend on later ones`(target: PredictionTarget) throws {
    let audit = LeakageAudit(Self.view, perturbations: [.repetition, .everything], seed: 3)
    let subject = StoredDataSubject(view: Self.view, target: target, version: nil)
    let cuts = audit.randomCuts(
      1, in: RandomRecords.start.adding(minutes: 400)..<RandomRecords.start.adding(minutes: 480))
    let report = try audit.run(subject, events: try RandomRecords()(500, seed: 5).events, cuts: cuts)
    #expect(report.isClean, "\(report.leaks)")
    #expect(report.comparedCount > 5000)
  }

  /// Folds by open time, so that a correction is seen before it was there.
  private var hasty: StoredDataSubject {
    StoredDataSubject(
      view: Self.view, target: .direction(horizonMinutes: 15), version: nil,
      knowledge: { events, cut in
        events.filter { $0.record.candle.closeTime < cut }.sorted {
          ($0.record.candle.openTime, $0.availableAt) < ($1.record.candle.openTime, $1.availableAt)
        }
      })
  }

  @Test func `corrections seen before they were available are named`() throws {
    let audit = LeakageAudit(Self.view, perturbations: [.prices, .revisions], seed: 3)
    let events = try RandomRecords(corrections: false)(420, seed: 5).events
    let report = try audit.run(hasty, events: events, cuts: [RandomRecords.start.adding(minutes: 390)])
    let names = Set(report.leaks.map(\.artefact))
    #expect(names.isSuperset(of: ["feature return_1", "prediction Baseline", "scaler", "label direction-15m"]))
    #expect(report.leaks.allSatisfy { $0.perturbations == [.revisions] })
  }

  /// Takes everything for known that comes within the next quarter of an hour.
  @Test func `what comes later and is used is named`() throws {
    let audit = LeakageAudit(Self.view, perturbations: [.prices], seed: 3)
    let subject = StoredDataSubject(
      view: Self.view, target: .direction(horizonMinutes: 15), version: nil,
      knowledge: { events, cut in events.filter { $0.availableAt <= cut.adding(minutes: 15) }.byAvailability })
    let events = try RandomRecords(corrections: false)(420, seed: 5).events
    let report = try audit.run(subject, events: events, cuts: [RandomRecords.start.adding(minutes: 390)])
    #expect(report.leaks.contains { $0.artefact == "feature return_1" })
  }

  private func parity(_ records: [CandleRecord], _ target: PredictionTarget, seed: UInt64 = 1) -> ParityAudit {
    ParityAudit(view: Self.view, target: target, version: nil, seed: seed, events: records.events.byAvailability)
  }

  @Test(arguments: zip(targets, [1, 2, 3] as [UInt64]))
  func `all ways agree on data with holes, corrections and late patches`(
    target: PredictionTarget, seed: UInt64
  ) throws {
    let report = try parity(try RandomRecords()(440, seed: seed), target, seed: seed).run()
    #expect(report.isClean, "\(report.ways.compactMap(\.difference))")
    #expect(report.ways.count == 4 && report.ways.allSatisfy { $0.vectors > 350 })
    #expect(report.ways.dropLast().allSatisfy { $0.predictions > 80 })
  }

  @Test func `a batch over another candle is reported with its time and column`() throws {
    let audit = parity(try RandomRecords(corrections: false)(400, seed: 9), .direction(horizonMinutes: 15))
    let truth = Array(audit.events.joined(in: Self.view))
    var candles = truth
    candles[350].takerBuyBase *= 0.5
    let difference = try #require(try audit.batch(of: candles, against: truth).difference)
    #expect(difference.time == candles[350].openTime.adding(minutes: 1))
    #expect(difference.what.hasPrefix("taker"))
    #expect(try audit.batch(of: truth, against: truth).difference == nil)
  }

  @Test func `a prediction that differs is reported with its model`() {
    var way = ParityReport.Way("replayed", columns: [])
    let time = RandomRecords.start
    way.comparePredictions(at: time, expected: [.a: 0.5, .baseline: 0.5], actual: [.a: 0.5, .baseline: 0.5])
    #expect(way.difference == nil)
    way.comparePredictions(at: time, expected: [.a: 0.5], actual: [:])
    way.comparePredictions(at: time, expected: [.b: 0.5], actual: [.b: 0.25])
    #expect(way.difference == .init(time: time, what: "ModelA", expected: 0.5, actual: nil))
    #expect(way.predictions == 4)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `a session with holes brings every candle in the end`(seed: UInt64) throws {
    let records = try RandomRecords(corrections: false)(4000, seed: seed)
    let events = LateSession.events(of: records, seed: seed)
    #expect(Set(events.map(\.candle)) == Set(records.map(\.candle)) && events.count == records.count)
    let late = events.indices.dropFirst().filter { events[$0].candle.openTime < events[$0 - 1].candle.openTime }
    #expect(late.count > 10)
    #expect(events.contains { $0.availableAt.minutes(since: $0.candle.closeTime) >= 3000 })
  }
}
