import Features
import Market
import Models
import Pipeline

/// The plainest way from candles to vectors and answers: one by one from the beginning, without a pipeline.
struct PlainFold: ~Copyable {
  private(set) var engine = FeatureEngine()
  private let set: FeatureSet
  private var voice: PlainVoice

  init(_ voice: PlainVoice) { (self.voice, set) = (voice, voice.set) }

  mutating func take(_ candle: FeatureInput) {
    engine.update(candle)
    voice.observe(vector, candle)
  }

  /// At the newest candle.
  mutating func answers() -> [ModelName: Double] { voice.answers(isWarm: isWarm) }

  var isWarm: Bool { engine.candlesSinceRestart >= FeatureEngine.warmUpCandles }

  var vector: [Double] { engine.values(set) }
}

/// What is said of vectors that come one by one; a value, so a copy of a fresh one begins anew.
struct PlainVoice {
  let set: FeatureSet
  private let target: PredictionTarget
  private var bundle: ModelBundle?
  private var window: WindowTracker?
  private var vector: [Float] = []

  /// Without a version the baseline answers.
  init(_ target: PredictionTarget, _ version: ServedVersion?, set: FeatureSet) {
    (self.target, self.set) = (target, set)
    bundle = version?.bundle
    bundle?.restart()
    if case .window(let minutes) = target { window = WindowTracker(lengthMinutes: minutes) }
  }

  mutating func observe(_ values: [Double], _ candle: FeatureInput) {
    vector = values.map { Float($0) }
    window?.update(candle)
    bundle?.observe(vector, closeTime: candle.openTime.adding(minutes: 1))
  }

  /// After the candle observed last; empty where no decision is made.
  mutating func answers(isWarm: Bool) -> [ModelName: Double] {
    let windowState = windowState
    guard isWarm, window == nil || windowState != nil else { return [:] }
    guard let said = bundle?.predict(vector, window: windowState) else { return baseline }
    var answers: [ModelName: Double] = [:]
    for name in ModelName.ofCandles { answers[name] = said[name]?.value }
    return answers
  }

  private var windowState: WindowState? {
    guard let left = window?.minutesLeft, let move = window?.moveBasisPoints else { return nil }
    return WindowState(minutesLeft: left, moveBasisPoints: move)
  }

  private var baseline: [ModelName: Double] {
    guard let windowState else { return [.baseline: target.isBinary ? 0.5 : 0] }
    guard let column = set.index(of: "volatility_30"),
      let form = ClosedForm(windowState, volatility: Double(vector[column]))
    else { return [:] }
    return [.baseline: form.probability.value]
  }
}
