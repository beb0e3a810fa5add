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

  private func cuts(_ audit: LeakageAudit) -> [Timestamp] {
    audit.randomCuts(2, in: RandomRecords.start.adding(minutes: 450)..<RandomRecords.start.adding(minutes: 640))
  }

  @Test(arguments: targets)
  func `what is made of stored candles does not depend on later ones`(target: PredictionTarget) throws {
    let audit = LeakageAudit(seed: 3)
    let subject = StoredDataSubject(view: Self.view, target: target, version: nil)
    let report = try audit.run(subject, records: try RandomRecords()(650, seed: 5), cuts: cuts(audit))
    #expect(report.isClean, "\(report.leaks)")
    #expect(report.comparedCount > 10_000)
  }

  /// Folds by open time, so that a correction is seen before it was there.
  private var hasty: StoredDataSubject {
    StoredDataSubject(
      view: Self.view, target: .direction(horizonMinutes: 15), version: nil,
      knowledge: { records, cut in
        records.filter { $0.candle.closeTime <= cut }.sorted {
          ($0.candle.openTime, $0.availableAt) < ($1.candle.openTime, $1.availableAt)
        }
      })
  }

  @Test func `corrections seen before they were available are named`() throws {
    let audit = LeakageAudit(perturbations: [.prices, .volumes, .revisions], seed: 3)
    let records = try RandomRecords(corrections: false)(500, seed: 5)
    let report = try audit.run(hasty, records: records, cuts: [RandomRecords.start.adding(minutes: 460)])
    let names = Set(report.leaks.map(\.artefact))
    #expect(names.isSuperset(of: ["feature return_1", "prediction Baseline", "scaler", "label direction-15m"]))
    #expect(report.leaks.allSatisfy { $0.perturbations.contains(.revisions) })
  }

  /// Learns from the future: the outcome of a decision before its horizon is over.
  @Test func `labels from later prices are named`() throws {
    let audit = LeakageAudit(perturbations: [.prices], seed: 3)
    let subject = StoredDataSubject(
      view: Self.view, target: .direction(horizonMinutes: 15), version: nil,
      knowledge: { records, cut in
        records.filter { $0.availableAt <= cut.adding(minutes: 15) }.byAvailability
      })
    let records = try RandomRecords(corrections: false)(500, seed: 5)
    let report = try audit.run(subject, records: records, cuts: [RandomRecords.start.adding(minutes: 460)])
    #expect(!report.isClean)
    #expect(report.leaks.contains { $0.artefact == "feature return_1" })
  }

  private func parity(_ records: [CandleRecord], _ target: PredictionTarget, seed: UInt64 = 1) -> ParityAudit {
    ParityAudit(view: Self.view, target: target, version: nil, seed: seed, records: records)
  }

  @Test(arguments: targets, [1, 2] as [UInt64])
  func `all ways agree on data with holes, corrections and late patches`(
    target: PredictionTarget, seed: UInt64
  ) throws {
    let report = try parity(try RandomRecords()(620, seed: seed), target, seed: seed).run()
    #expect(report.isClean, "\(report.ways.compactMap(\.difference))")
    #expect(report.ways.map(\.name).count == 4)
    #expect(report.ways.allSatisfy { $0.vectors > 400 && $0.predictions > 100 })
  }

  @Test func `a batch over another candle is reported with its time and column`() throws {
    let audit = parity(try RandomRecords(corrections: false)(400, seed: 9), .direction(horizonMinutes: 15))
    var candles = audit.candles
    candles[350].takerBuyBase *= 0.5
    let difference = try #require(try audit.batch(of: candles).difference)
    #expect(difference.time == candles[350].openTime.adding(minutes: 1))
    #expect(difference.what.hasPrefix("taker") || difference.what.hasPrefix("buy"))
    #expect(try audit.batch(of: audit.candles).difference == nil)
  }

  @Test func `a prediction that differs is reported with its model`() {
    var way = ParityReport.Way("replayed")
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
