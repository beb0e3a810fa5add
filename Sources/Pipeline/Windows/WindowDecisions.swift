internal import Features
internal import Glibc
package import Market
internal import Models

/// The second half of what is said of windows that are not over: the closed form with the newest price and the time
/// left, and where a version serves, its answer with the offset that it had over the closed form at the last close. It
/// has no clock and no I/O.
package struct WindowDecisions: Sendable {
  /// An older volatility says nothing of the time left.
  private static let longestCloseMinutes = 5

  package let view: MarketView
  private let mode: Prediction.Mode
  private let featureSetHash: String
  private var held: [HeldOffset]

  package init(_ view: MarketView, mode: Prediction.Mode) {
    (self.view, self.mode) = (view, mode)
    featureSetHash = FeatureSet.of(view).hash.description
    held = PredictionTarget.openWindows.map { HeldOffset(lengthMinutes: $0.horizonMinutes) }
  }

  /// What serves a window at closes from now on.
  package mutating func serve(_ target: PredictionTarget, with version: ServedVersion?) {
    for place in held.indices where held[place].closed == target { held[place].serve(version) }
  }

  /// Which versions beside it may serve a window at closes.
  package mutating func setArms(_ arms: [ServedArm<ServedVersion>], of target: PredictionTarget) {
    for place in held.indices where held[place].closed == target { held[place].arms = arms }
  }

  /// Holds what was said at a close until the next one.
  package mutating func hold(_ made: [Prediction]) {
    guard !made.isEmpty else { return }
    for place in held.indices { held[place].hold(made) }
  }

  /// - Parameter minute: the newest candle by then.
  package func decide(on facts: [WindowFact], at time: Timestamp, _ minute: ClosedMinute?) -> [Prediction] {
    facts.flatMap { fact in
      held.first { $0.lengthMinutes == fact.lengthMinutes }.map { decide(on: $0, fact, at: time, minute) } ?? []
    }
  }

  /// What is said of a moment of which no prices have come, and why none have.
  package func abstain(at time: Timestamp, code: String, reason: String) -> [Prediction] {
    let silence = WindowSilence(code: code, reason: reason)
    return held.flatMap { abstentions(of: $0, at: time, silence) }
  }

  private func decide(
    on held: HeldOffset, _ fact: WindowFact, at time: Timestamp, _ minute: ClosedMinute?
  ) -> [Prediction] {
    do {
      let reading = try fact.reading.get()
      let form = try closedForm(reading, minute, at: time)
      let offset = held.offset(in: ClockWindow(containing: time, lengthMinutes: held.lengthMinutes))
      return answers(row(held, time), held, reading, form, offset, inputHash(reading, minute))
    } catch {
      return abstentions(of: held, at: time, error)
    }
  }

  private func row(_ held: HeldOffset, _ time: Timestamp) -> Row {
    Row(
      target: held.target, time: time, view: view, mode: mode, featureSetHash: featureSetHash,
      arm: held.speaker.arm)
  }

  private func abstentions(of held: HeldOffset, at time: Timestamp, _ silence: WindowSilence) -> [Prediction] {
    let row = row(held, time)
    let ofVersion = held.speaker.version.map { [row.abstention(.ensemble, $0, silence)] } ?? []
    return ofVersion + [row.abstention(.baseline, "", silence)]
  }

  private func closedForm(
    _ reading: WindowReading, _ minute: ClosedMinute?, at time: Timestamp
  ) throws(WindowSilence) -> ClosedForm {
    guard let minute, minute.closeTime >= time.adding(minutes: -Self.longestCloseMinutes) else {
      let newest = minute.map { "the newest candle ended at \($0.closeTime)" } ?? "no candle has come"
      throw WindowSilence(code: "no_volatility", reason: newest)
    }
    let deviation = minute.volatility * reading.outlook.varianceMinutes.squareRoot()
    guard let form = ClosedForm(logMove: log(reading.outlook.expected / reading.strike), deviation: deviation) else {
      throw WindowSilence(
        code: "no_volatility", reason: "too few minutes are known, or the price has not moved in the last half hour")
    }
    return form
  }

  private func answers(
    _ row: Row, _ held: HeldOffset, _ reading: WindowReading, _ form: ClosedForm,
    _ offset: (value: Double, time: Timestamp)?, _ hash: Fingerprint
  ) -> [Prediction] {
    var (state, reason) = (held.speaker.state, held.speaker.reason)
    if reading.source == .fallback {
      state = "fallback"
      reason += (reason.isEmpty ? "" : "; ") + "the stream is silent; asked for by requests"
    }
    let baseline = row.prediction(.baseline, "", form.probability.value, state, reason, reading, hash.value)
    guard let version = held.speaker.version else { return [baseline] }
    guard let offset else {
      let silence = WindowSilence(code: "no_offset", reason: "the version has not answered in this window yet")
      return [row.abstention(.ensemble, version, silence), baseline]
    }
    let probability = Probability(logit: form.logit + offset.value).value
    reason += (reason.isEmpty ? "" : "; ") + "its offset is of \(offset.time)"
    var own = hash
    own.combine(offset.value.bitPattern)
    return [row.prediction(.ensemble, version, probability, state, reason, reading, own.value), baseline]
  }

  private func inputHash(_ reading: WindowReading, _ minute: ClosedMinute?) -> Fingerprint {
    var hash = Fingerprint()
    let outlook = reading.outlook
    for value in [reading.price, reading.strike, outlook.expected, outlook.varianceMinutes] {
      hash.combine(value.bitPattern)
    }
    hash.combine((minute?.volatility ?? .nan).bitPattern)
    return hash
  }
}

/// What all predictions of a window at one moment share.
private struct Row {
  let target: PredictionTarget
  let time: Timestamp
  let view: MarketView
  let mode: Prediction.Mode
  let featureSetHash: String
  let arm: Prediction.Arm

  func prediction(
    _ model: ModelName, _ version: String, _ probability: Double, _ state: String, _ reason: String,
    _ reading: WindowReading, _ hash: UInt64
  ) -> Prediction {
    Prediction(
      time: time, availableAt: time, view: view, target: target, probabilityUp: probability,
      confidence: max(probability, 1 - probability), modelName: model, version: version,
      featureSetHash: featureSetHash, inputHash: hash, state: state, reason: reason, mode: mode,
      latencyNanoseconds: 0,
      forecast: PriceForecast(
        current: reading.price, inputAgeMilliseconds: reading.ageMilliseconds, source: reading.source), arm: arm)
  }

  func abstention(_ model: ModelName, _ version: String, _ silence: WindowSilence) -> Prediction {
    Prediction(
      time: time, availableAt: time, view: view, target: target, probabilityUp: nil, confidence: nil,
      modelName: model, version: version, featureSetHash: featureSetHash, inputHash: Fingerprint().value,
      state: "abstain:" + silence.code, reason: silence.reason, mode: mode, latencyNanoseconds: 0,
      forecast: PriceForecast(source: .direct), arm: arm)
  }
}
