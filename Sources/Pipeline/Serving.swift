internal import Features
internal import Market
internal import Models

/// One version's part of a pipeline for one target: the window it stands in, and what it answers.
struct Serving {
  let target: PredictionTarget
  let arm: Prediction.Arm
  /// Decisions that it serves, by where they fall; `nil` for all that nobody else serves, or none.
  let part: Range<Double>?
  private(set) var bundle: ModelBundle?
  let version: String
  private let state: String
  private let reason: String
  private var window: WindowTracker?
  private let baselineVolatilityColumn: Int?

  init(target: PredictionTarget, version: ServedVersion?, featureSet: FeatureSet) {
    self.init(target, .main, nil, version, featureSet)
  }

  init(target: PredictionTarget, arm: ServedArm<ServedVersion>, featureSet: FeatureSet) {
    self.init(target, arm.arm, arm.part, arm.version, featureSet)
  }

  private init(
    _ target: PredictionTarget, _ arm: Prediction.Arm, _ part: Range<Double>?, _ version: ServedVersion?,
    _ featureSet: FeatureSet
  ) {
    (self.target, self.arm, self.part) = (target, arm, part)
    baselineVolatilityColumn = featureSet.index(of: PriceBaseline.volatilityColumn)
    bundle = version?.bundle
    self.version = version?.name ?? ""
    state = version?.state ?? "unpromoted"
    reason = version?.reason ?? "no version is registered for \(target)"
    if case .window(let minutes) = target { window = WindowTracker(lengthMinutes: minutes) }
  }

  /// At the last minute of a window its outcome is known, so there is nothing to decide.
  var isDue: Bool {
    guard let window, let elapsed = window.minutesElapsed else { return window == nil }
    return elapsed < window.lengthMinutes
  }

  var windowState: WindowState? {
    guard let window, let left = window.minutesLeft, let move = window.moveBasisPoints else { return nil }
    return WindowState(minutesLeft: left, moveBasisPoints: move)
  }

  mutating func observe(_ recent: borrowing RecentVectors) {
    guard let candle = recent.newest else { return }
    window?.update(candle)
    recent.withNewest { bundle?.observe($0, closeTime: candle.openTime.adding(minutes: 1)) }
  }

  /// Forgets sequence and window and takes them from the recent candles.
  mutating func rebuild(_ recent: borrowing RecentVectors) {
    if let window { self.window = WindowTracker(lengthMinutes: window.lengthMinutes) }
    bundle?.restart()
    recent.forEach { candle, vector in
      window?.update(candle)
      bundle?.observe(vector, closeTime: candle.openTime.adding(minutes: 1))
    }
  }

  mutating func answer(
    _ decision: Decision, isWarm: Bool, _ recent: borrowing RecentVectors, into sink: inout some PipelineSink
  ) {
    guard isWarm else {
      return abstain(decision, "warm_up", "too few candles since the series began or broke off", &sink)
    }
    let windowState = windowState
    guard window == nil || windowState != nil else {
      return abstain(decision, "window_incomplete", "a minute of the window is absent", &sink)
    }
    guard bundle != nil else { return answerWithoutVersion(decision, windowState, recent, &sink) }
    let answers = recent.withNewest { bundle?.predict($0, window: windowState) }
    guard let answers else { return }
    if let abstention = answers.abstention, answers.ensemble == nil {
      abstain(decision, abstention.code, abstention.description, &sink)
    }
    for name in ModelName.ofCandles {
      guard let answer = answers[name] else { continue }
      emit(decision, name, answer.value, version, &sink)
    }
  }

  /// With no version only what follows from the price alone is said: the closed form for a window, one half otherwise.
  private func answerWithoutVersion(
    _ decision: Decision, _ windowState: WindowState?, _ recent: borrowing RecentVectors,
    _ sink: inout some PipelineSink
  ) {
    let volatility = baselineVolatilityColumn.map { column in recent.withNewest { Double($0[column]) } }
    guard let value = PriceBaseline.value(of: target, windowState, volatility: volatility ?? .nan) else {
      return abstain(decision, "no_volatility", "the price has not moved in the last half hour", &sink)
    }
    emit(decision, .baseline, value, "", &sink)
  }

  private func emit(
    _ decision: Decision, _ name: ModelName, _ value: Double, _ version: String, _ sink: inout some PipelineSink
  ) {
    let isBinary = target.isBinary
    sink.receive(
      Prediction(
        time: decision.time, availableAt: decision.availableAt, view: decision.view, target: target,
        probabilityUp: isBinary ? value : nil, changePercent: isBinary ? nil : value,
        confidence: isBinary ? max(value, 1 - value) : nil, modelName: name, version: version,
        featureSetHash: decision.featureSetHash, inputHash: decision.inputHash, state: state, reason: reason,
        mode: decision.mode, latencyNanoseconds: 0, arm: arm))
  }

  private func abstain(_ decision: Decision, _ code: String, _ reason: String, _ sink: inout some PipelineSink) {
    sink.receive(
      Prediction(
        time: decision.time, availableAt: decision.availableAt, view: decision.view, target: target, probabilityUp: nil,
        confidence: nil, modelName: .ensemble, version: version, featureSetHash: decision.featureSetHash,
        inputHash: decision.inputHash, state: "abstain:" + code, reason: reason, mode: decision.mode,
        latencyNanoseconds: 0, arm: arm))
  }
}

/// What all predictions of one target at one decision share.
struct Decision {
  let time: Timestamp
  let availableAt: Timestamp
  let view: MarketView
  let target: PredictionTarget
  let featureSetHash: String
  let inputHash: UInt64
  let mode: Prediction.Mode
}

extension Abstention {
  fileprivate var code: String {
    switch self {
    case .shortSequence: "short_sequence"
    case .noWindow: "window_incomplete"
    case .noVolatility: "no_volatility"
    }
  }
}
