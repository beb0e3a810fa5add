import Evaluation
import FoundationEssentials
import Market
import Models
import Operations
import Pipeline
import Settlement
import Storage

/// Scores one version on a period through the same pipeline that serves it.
struct EvaluationRun {
  let context: CommandContext
  let version: ServedVersion
  /// Those the version's training window gave.
  let baselines: TrainedBaselines?
  let decisions: Range<Timestamp>
  let asOf: Timestamp?
  /// Other people's probabilities by decision time.
  let benchmark: [Timestamp: Double]?

  func run(from store: any Store, rows: Int) throws -> Judgement {
    let answers = try collect(from: store, rows: rows)
    let (prices, ticks) = try outcomePrices(from: store)
    let target = SettledTarget(context.target, source: context.view.price)
    let labels = try target.labels(at: answers.times, prices: prices, ticks: ticks)
    let known = answers.times.indices.filter { labels.values[$0].isFinite }
    guard !known.isEmpty else {
      throw CommandError(.badData, "no decision between --from and --to has a known outcome")
    }
    let spans = LabelSpans(
      decisionTimes: known.map { answers.times[$0] }, labelEnds: known.map { labels.labelEnds[$0] })
    let values = known.map { labels.values[$0] }
    let weights = context.target.isWindow ? spans.equalLabelWeights : nil
    return Judgement(
      target: context.target, times: spans.decisionTimes, labels: values, weights: weights,
      minutesLeft: context.target.isWindow ? known.map { answers.minutesLeft[$0] } : nil,
      folds: [known.indices], judges: judges(answers, known, spans, values, weights, prices))
  }

  /// Answers by decision, NaN where a model was silent.
  private struct Answers {
    var times: [Timestamp] = []
    var minutesLeft: [Int] = []
    var byModel: [ModelName: [Double]] = [:]
    var logistic: [Double] = []

    mutating func append(_ time: Timestamp, minutesLeft left: Int, logistic probability: Double) {
      times.append(time)
      minutesLeft.append(left)
      logistic.append(probability)
      for name in ModelName.ofCandles { byModel[name, default: []].append(.nan) }
    }

    mutating func set(_ name: ModelName, _ value: Double) { byModel[name]?[times.count - 1] = value }
  }

  private func collect(from store: any Store, rows: Int) throws -> Answers {
    var answers = Answers()
    let target = context.target
    let baselines = baselines
    var run = HistoryRun(view: context.view, mode: .replay, asOf: asOf ?? .distantFuture)
    run.serve(target, with: version)
    var bar = context.progress("evaluate", unit: "candles", total: Int64(rows))
    try run.run(
      decisions, from: store,
      onCandle: { count in
        bar.update(Int64(count))
        if context.isStopRequested { throw CommandError(.failed, "stopped") }
      },
      onDecision: { pipeline, predictions in
        guard let first = predictions.first else { return }
        let window = pipeline.windowState(of: target)
        let closedForm = predictions.first { $0.modelName == .baseline }?.probabilityUp
        let logistic = pipeline.bundle(of: target).flatMap { bundle in
          baselines?.probability(bundle, closedForm: target.isWindow ? closedForm : nil)
        }
        answers.append(first.time, minutesLeft: window?.minutesLeft ?? 0, logistic: logistic ?? .nan)
        for prediction in predictions {
          answers.set(prediction.modelName, prediction.answer ?? .nan)
        }
      })
    bar.finish()
    return answers
  }

  private func outcomePrices(from store: any Store) throws -> (PricePath, TickPath?) {
    let horizon = context.target.horizonMinutes
    let range = decisions.lowerBound.adding(minutes: -horizon - 60)..<decisions.upperBound.adding(minutes: horizon + 60)
    var candles: [Candle] = []
    try store.readCandles(context.view.price, in: range, asOf: asOf ?? .distantFuture) { candles += $0.map(\.candle) }
    let outcomes = try OutcomePrices(context.view.price, in: range, asOf: asOf ?? .distantFuture, from: store)
    return (outcomes.path(candles), outcomes.ticks)
  }

  private func judges(
    _ answers: Answers, _ known: [Int], _ spans: LabelSpans, _ labels: [Double], _ weights: [Double]?,
    _ prices: PricePath
  ) -> [Judgement.Judge] {
    func picked(_ values: [Double]) -> [Double] { known.map { values[$0] } }
    let prior: Prior = context.target.isBinary ? .coin : .noChange
    var judges = [
      Judgement.Judge(
        name: context.target.isBinary ? "base_rate" : "mean_change", isBaseline: true,
        answers: ExpandingMean.answers(spans, labels: labels, weights: weights, prior: prior))
    ]
    if context.target.isWindow {
      judges.append(
        Judgement.Judge(name: "closed_form", isBaseline: true, answers: picked(answers.byModel[.baseline] ?? [])))
    }
    if let baselines {
      judges.append(Judgement.Judge(name: "logistic", isBaseline: true, answers: picked(answers.logistic)))
      judges.append(
        Judgement.Judge(
          name: "momentum", isBaseline: true,
          answers: spans.decisionTimes.map { baselines.momentum.answer(return: change(before: $0, prices)) }))
    }
    if let benchmark {
      judges.append(
        Judgement.Judge(
          name: "benchmark", isBaseline: true, answers: spans.decisionTimes.map { benchmark[$0] ?? .nan }))
    }
    for name in version.bundle.modelNames {
      judges.append(
        Judgement.Judge(name: name.rawValue, isBaseline: false, answers: picked(answers.byModel[name] ?? [])))
    }
    return judges
  }

  /// Relative, over the target's horizon; NaN where a price is absent.
  private func change(before time: Timestamp, _ prices: PricePath) -> Double {
    guard let last = prices.price(at: time),
      let first = prices.price(at: time.adding(minutes: -context.target.horizonMinutes))
    else { return .nan }
    return last / first - 1
  }
}

extension TrainedBaselines {
  /// What the logistic regression says of the model input that a version read last.
  fileprivate func probability(_ bundle: ModelBundle, closedForm: Double?) -> Double {
    let margin = logistic.margin(bundle.lastInput.prefix(bundle.card.layout.inputCount))
    return Probability(logit: margin + (closedForm.map { Probability(clipping: $0).logit } ?? 0)).value
  }
}
