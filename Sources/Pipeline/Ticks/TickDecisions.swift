internal import Features
internal import Glibc
package import Market
package import Models

/// A loaded version of the tick cadence and whether it earned its place.
package final class ServedTickVersion: Sendable {
  package let model: TickModel
  package let standing: ServedVersion.Standing

  package var name: String { model.card.name.description }

  package init(_ model: TickModel, standing: ServedVersion.Standing) {
    (self.model, self.standing) = (model, standing)
  }
}

/// The second half of the tick cadence: from points to predictions of where the price will be.
///
/// Whatever is wrong, the probability is what the model says or nothing; what degrades is the confidence, and the state
/// and the reason tell it.
package struct TickDecisions: Sendable {
  package static let target = PredictionTarget.move(horizonSeconds: 60)
  /// Of the straight line, which claims no more.
  package static let linearConfidence = 0.3
  /// What is left of the confidence where an input is outdated.
  package static let outdatedFactor = 0.8
  /// So many standard deviations on both sides hold four of five outcomes.
  private static let intervalDeviations = 1.2815515655446004
  private static let longestSequence = 5

  package let view: MarketView
  private let mode: Prediction.Mode
  private let cadence: TickCadence
  private var main: ServedTickVersion?
  private var arms: [ServedArm<ServedTickVersion>] = []
  private var known = KnownInputs()
  private var trend = PriceTrend()
  /// Network inputs of the newest points, each an interval after the one before.
  private var sequence: [[Double]] = []
  private var newest: Timestamp?

  package init(_ view: MarketView, _ cadence: TickCadence, mode: Prediction.Mode) {
    (self.view, self.cadence, self.mode) = (view, cadence, mode)
  }

  /// Starts, replaces or (with `nil`) withdraws the version that answers.
  package mutating func serve(_ version: ServedTickVersion?) { main = version }

  /// Sets the versions beside the one that answers; those of before are withdrawn.
  package mutating func setArms(_ arms: [ServedArm<ServedTickVersion>]) { self.arms = arms }

  private func speaker(at time: Timestamp) -> TickSpeaker {
    let split = arms.first { arm in
      guard let part = arm.part, isBeside(arm) else { return false }
      return part.contains(ArmLine.place(of: time, Self.target, view))
    }
    return TickSpeaker(version: split?.version ?? main, arm: split?.arm ?? .main)
  }

  private var shadows: [TickSpeaker] {
    arms.filter { $0.arm == .shadow && isBeside($0) }.map { TickSpeaker(version: $0.version, arm: .shadow) }
  }

  /// The version is not the one that answers anyway.
  private func isBeside(_ arm: ServedArm<ServedTickVersion>) -> Bool { arm.version.name != main?.name }

  /// The first prediction is the answer; the others are what it is compared with.
  ///
  /// Points come in the order of their times.
  package mutating func decide(on point: TickPoint) -> [Prediction] {
    let completed = known.complete(point.inputs, maxAgeMilliseconds: cadence.maxInputAgeMilliseconds)
    var question = Question(point, completed, speaker(at: point.inputs.time))
    guard let age = point.ageMilliseconds, age <= cadence.maxInputAgeMilliseconds else {
      follow(nil, at: point.inputs.time)
      let reason = point.ageMilliseconds.map { "the newest trade or quote is \($0) ms old" } ?? "no trade has come"
      return [abstention(question, "stale", reason)]
    }
    guard let price = completed.inputs.price, price > 0, price.isFinite else {
      follow(nil, at: point.inputs.time)
      return [abstention(question, "no_price", "no trade has come")]
    }
    trend.add(price, at: point.inputs.time)
    follow(completed.inputs.networkInputs, at: point.inputs.time)
    question.add(sequence.dropLast())
    return answers(question, price) + shadows.map { said(question.asked(of: $0), price) }
  }

  /// What is said of a moment of which no point has come, and why none has.
  package mutating func abstain(at time: Timestamp, code: String, reason: String, source: PriceForecast.Source)
    -> Prediction
  {
    let nothing = TickInputs(
      time: time, values: [Double?](repeating: nil, count: TickInputs.names.count), reference: nil)
    let point = TickPoint(inputs: nothing, ageMilliseconds: nil, source: source)
    let completed = known.complete(nothing, maxAgeMilliseconds: cadence.maxInputAgeMilliseconds)
    follow(nil, at: time)
    return abstention(Question(point, completed, speaker(at: time)), code, reason)
  }

  private mutating func follow(_ inputs: [Double]?, at time: Timestamp) {
    let isNext = newest.map { $0.adding(microseconds: cadence.intervalMilliseconds * 1000) == time } ?? false
    newest = time
    guard let inputs else { return sequence.removeAll() }
    if !isNext { sequence.removeAll() }
    if sequence.count == Self.longestSequence { sequence.removeFirst() }
    sequence.append(inputs)
  }

  // MARK: Answers

  private func answers(_ question: Question, _ price: Double) -> [Prediction] {
    let line = trend.price(after: Double(Self.target.horizonSeconds))
    let (model, failure) = modelAnswer(question)
    let degraded = degradation(question, failure: failure)
    var predictions: [Prediction] = []
    if let model { predictions.append(prediction(question, model, degraded, price)) }
    if let line {
      predictions.append(
        prediction(question, .linear, "", degraded, price: price, predicted: line, confidence: Self.linearConfidence))
    } else if model == nil {
      predictions.append(
        abstention(question, "no_trend", degraded.reason + "; prices of \(PriceTrend.shortestSeconds) s are needed"))
    }
    predictions.append(
      prediction(
        question, .baseline, "", degraded, price: price, predicted: price, probability: 0.5, confidence: 0.5))
    return predictions
  }

  /// What a version says beside the one that answers.
  private func said(_ question: Question, _ price: Double) -> Prediction {
    let (model, failure) = modelAnswer(question)
    guard let model else { return abstention(question, "no_answer", failure ?? "no version is registered") }
    return prediction(question, model, degradation(question, failure: nil), price)
  }

  /// What the version says, or why it says nothing; neither without one.
  private func modelAnswer(_ question: Question) -> (TickModel.Answer?, failure: String?) {
    guard let model = question.version?.model else { return (nil, nil) }
    guard let newest = sequence.last, newest.allSatisfy(\.isFinite) else {
      return (nil, "not known: " + question.unknown.joined(separator: ", "))
    }
    if model.shape == .sequence, Int64(model.facts.intervalMilliseconds) != cadence.intervalMilliseconds {
      return (nil, "it reads points \(model.facts.intervalMilliseconds) ms apart, not \(cadence.intervalMilliseconds)")
    }
    guard let answer = model.answer(sequence[...]), answer.probabilityUp.isFinite else {
      let few = sequence.count < model.shape.pointCount
      return (nil, few ? "it reads \(model.shape.pointCount) points in a row" : "its output is no number")
    }
    return (answer, nil)
  }

  /// The gravest of what is wrong, and all of it in words.
  private func degradation(_ question: Question, failure: String?) -> (state: String, reason: String) {
    var state = question.version?.standing.state ?? "untrained"
    var reasons = [question.version?.standing.reason ?? "no version is registered for \(Self.target)"]
    if question.point.source == .fallback {
      if question.version != nil { state = "fallback" }
      reasons.append("the stream is silent; asked for by requests")
    }
    if !question.outdated.isEmpty {
      if question.version != nil { state = "partial" }
      reasons.append("last known: " + question.outdated.joined(separator: ", "))
    }
    if let failure {
      state = "linear"
      reasons.append("the model does not answer: " + failure)
    }
    return (state, reasons.filter { !$0.isEmpty }.joined(separator: "; "))
  }

  // MARK: Rows

  private func prediction(
    _ question: Question, _ answer: TickModel.Answer, _ degraded: (state: String, reason: String), _ price: Double
  ) -> Prediction {
    let deviation = question.version?.model.facts.residualDeviation ?? .nan
    return prediction(
      question, .mlp, question.version?.name ?? "", degraded, price: price, predicted: answer.price(from: price),
      probability: answer.probabilityUp,
      confidence: max(answer.probabilityUp, 1 - answer.probabilityUp)
        * (question.outdated.isEmpty ? 1 : Self.outdatedFactor),
      spread: deviation * Self.intervalDeviations / 10_000)
  }

  private func prediction(
    _ question: Question, _ model: ModelName, _ version: String, _ degraded: (state: String, reason: String),
    price: Double, predicted: Double, probability: Double? = nil, confidence: Double, spread: Double? = nil
  ) -> Prediction {
    Prediction(
      time: question.time, availableAt: question.time, view: view, target: Self.target, probabilityUp: probability,
      changePercent: 100 * (predicted - price) / price, confidence: confidence, modelName: model, version: version,
      featureSetHash: Question.featureSetHash, inputHash: question.inputHash, state: degraded.state,
      reason: degraded.reason, mode: mode, latencyNanoseconds: 0,
      forecast: PriceForecast(
        current: price, predicted: predicted, low: spread.map { predicted * exp(-$0) },
        high: spread.map { predicted * exp($0) }, inputAgeMilliseconds: question.point.ageMilliseconds,
        source: question.point.source), arm: question.speaker.arm)
  }

  private func abstention(_ question: Question, _ code: String, _ reason: String) -> Prediction {
    Prediction(
      time: question.time, availableAt: question.time, view: view, target: Self.target, probabilityUp: nil,
      confidence: nil, modelName: question.version == nil ? .linear : .mlp, version: question.version?.name ?? "",
      featureSetHash: Question.featureSetHash, inputHash: question.inputHash, state: "abstain:" + code,
      reason: reason, mode: mode, latencyNanoseconds: 0,
      forecast: PriceForecast(
        current: question.inputs.price, inputAgeMilliseconds: question.point.ageMilliseconds,
        source: question.point.source), arm: question.speaker.arm)
  }
}

/// Who is asked, and in which part.
private struct TickSpeaker {
  /// `nil` for none.
  let version: ServedTickVersion?
  let arm: Prediction.Arm
}

/// What all predictions of one point share.
private struct Question {
  static let featureSetHash = TickInputs.hash.description

  let point: TickPoint
  let inputs: TickInputs
  let outdated: [String]
  private(set) var speaker: TickSpeaker
  /// Of the bits of the values, and of the points before them that a network reads.
  private var hash = Fingerprint()

  init(_ point: TickPoint, _ completed: KnownInputs.Completed, _ speaker: TickSpeaker) {
    (self.point, inputs, outdated) = (point, completed.inputs, completed.outdated)
    self.speaker = speaker
    for value in inputs.values { hash.combine((value ?? .nan).bitPattern) }
    hash.combine((inputs.reference ?? .nan).bitPattern)
  }

  mutating func add(_ earlier: ArraySlice<[Double]>) {
    for point in earlier { for value in point { hash.combine(value.bitPattern) } }
  }

  func asked(of speaker: TickSpeaker) -> Question {
    var other = self
    other.speaker = speaker
    return other
  }

  var version: ServedTickVersion? { speaker.version }

  var inputHash: UInt64 { hash.value }

  var time: Timestamp { inputs.time }

  var unknown: [String] { inputs.missing + (inputs.reference == nil ? ["mean_close_60m"] : []) }
}
