import Evaluation
import FoundationEssentials
import Market
import Models
import Testing

struct ReportTests {
  /// `days` days of 48 half hours, a model that knows a little and a baseline that knows nothing.
  private func judgement(days: Int, edge: Double, target: String = "direction-15m") -> Judgement {
    var generator = SplitMix64(seed: 5)
    func uniform() -> Double { Double(generator.next() >> 11) / 0x1p53 }
    let count = days * 48
    let times = (0..<count).map { Timestamp(minute: Int64($0) * 30) }
    let truth = (0..<count).map { _ in 0.5 + edge * (2 * uniform() - 1) }
    return Judgement(
      target: PredictionTarget(target)!, times: times, labels: truth.map { uniform() < $0 ? 1 : 0 },
      minutesLeft: (0..<count).map { $0 % 3 + 1 }, folds: [0..<count / 2, count / 2..<count],
      judges: [
        .init(name: "ModelA", isBaseline: false, answers: truth),
        .init(name: "base_rate", isBaseline: true, answers: truth.map { _ in 0.5 }),
        .init(name: "wild", isBaseline: true, answers: truth.map { $0 > 0.5 ? 0.01 : 0.99 }),
      ])
  }

  @Test func `a report has every judge by fold and pooled`() throws {
    let report = judgement(days: 60, edge: 0.3).report()
    #expect(report.judges.map(\.name) == ["base_rate", "wild", "ModelA"])
    let model = try #require(report.judge("ModelA"))
    let pooled = try #require(model.pooled.probability)
    #expect(model.folds.map(\.rowCount) == [1440, 1440])
    #expect(model.pooled.dayCount == 60 && model.pooled.warning == nil)
    #expect(pooled.brierSkill["base_rate"]!.isAboveZero)
    #expect(pooled.auc.low! > 0.6 && pooled.auc.low! < pooled.auc.value! && pooled.auc.value! < pooled.auc.high!)
    #expect(pooled.logLoss.high! < 0.6932)
    #expect(pooled.accuracyByMinutesLeft?.map(\.name) == ["1", "2", "3"])
    #expect(report.judge("base_rate")!.pooled.probability!.brierSkill.keys.sorted() == ["wild"])
  }

  @Test func `the calibration error of the report is that of its rows`() throws {
    let judgement = judgement(days: 30, edge: 0.4)
    let scored = Scored(probabilities: judgement.judges[0].answers, labels: judgement.labels)
    let error = try #require(judgement.report().judge("ModelA")?.pooled.probability?.calibrationError)
    #expect(abs(error.value! - scored.calibrationError) < 1e-12)
    #expect(error.low! < error.high!)
  }

  @Test func `a report survives the way through JSON`() throws {
    let report = judgement(days: 22, edge: 0.2).report()
    let data = try JSONEncoder().encode(report)
    #expect(try JSONDecoder().decode(EvaluationReport.self, from: data) == report)
  }

  @Test func `the table compares with the best baseline and warns of few days`() {
    let table = judgement(days: 10, edge: 0.3).report().table
    #expect(table.contains("skill over base_rate"))
    #expect(table.contains("warning: only 10 days"))
    let lines = table.split(separator: "\n").dropLast()
    #expect(lines.count == 4 && Set(lines.map(\.count)).count == 1)
    #expect(judgement(days: 10, edge: 0.3).report().table(fold: 1).contains("240"))
  }

  @Test func `changes are judged by their errors`() throws {
    let report = judgement(days: 25, edge: 0.3, target: "change-15m").report()
    let change = try #require(report.judge("ModelA")?.pooled.change)
    #expect(change.squaredErrorSkill["base_rate"]!.isAboveZero)
    #expect(report.judge("ModelA")?.pooled.probability == nil)
    #expect(report.table.contains("RMSE %"))
  }

  @Test func `rows that a judge could not answer are left out for all`() {
    let whole = judgement(days: 4, edge: 0.3)
    var answers = whole.judges[1].answers
    for row in 10..<20 { answers[row] = .nan }
    let holed = Judgement(
      target: whole.target, times: whole.times, labels: whole.labels, folds: whole.folds,
      judges: [whole.judges[0], .init(name: "base_rate", isBaseline: true, answers: answers)])
    let report = holed.report()
    #expect(report.unansweredCount == 10)
    #expect(report.judges.map(\.pooled.rowCount) == [182, 182])
  }

  @Test func `the gate passes a model that is better than the best baseline`() throws {
    let verdict = try #require(judgement(days: 60, edge: 0.3).verdict(on: "ModelA", fold: 1))
    #expect(verdict.isPassed && verdict.baseline == "base_rate" && verdict.warning == nil)
    #expect(verdict.reason.hasPrefix("passed: Brier skill of ModelA over the best baseline, base_rate, is "))
  }

  @Test func `the gate refuses a model whose interval reaches zero`() throws {
    let verdict = try #require(judgement(days: 60, edge: 0.01).verdict(on: "ModelA", fold: 1))
    #expect(!verdict.isPassed && verdict.skill!.low! <= 0)
    #expect(verdict.reason.contains("does not lie above zero"))
  }

  @Test func `the gate refuses what it cannot judge`() throws {
    let day = try #require(judgement(days: 2, edge: 0.4).verdict(on: "ModelA", fold: 1))
    #expect(!day.isPassed && day.reason.contains("1 day is too few") && day.warning != nil)
    let alone = GateVerdict(
      .init(name: "ModelA", squaredErrors: [0.1]), baselines: [], bootstrap: DayBootstrap(times: [.init(minute: 1)]))
    #expect(!alone.isPassed && alone.reason == "refused: no baseline to beat")
  }
}
