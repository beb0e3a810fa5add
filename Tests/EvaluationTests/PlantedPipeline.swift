import Evaluation
import Market

/// A small pipeline from candles to a calibrated model, sound but for the leak planted in it.
struct PlantedPipeline: AuditSubject {
  enum Leak: String, CaseIterable {
    case centredWindow, wholeSetScaler, labelOneBarEarly, unpurgedOverlap, calibratorFittedOnTest
    case revisionBeforeItsTime, foldsFromTheWholeSet, thresholdFromTheFuture

    /// The artefact that must be named.
    var artefact: String {
      switch self {
      case .centredWindow: "feature mean_5"
      case .wholeSetScaler: "scaled return_1"
      case .labelOneBarEarly: "label"
      case .unpurgedOverlap: "model"
      case .calibratorFittedOnTest: "calibrator"
      case .revisionBeforeItsTime: "feature close"
      case .foldsFromTheWholeSet: "folds"
      case .thresholdFromTheFuture: "threshold"
      }
    }
  }

  var leak: Leak?
  let horizonMinutes = 5

  func artefacts(from events: [MarketEvent], by cut: Timestamp) -> [Artefact] {
    let known = closes(events, by: cut)
    let all = closes(events, by: .distantFuture)
    let decisions = known.keys.sorted()
    var result: [Artefact] = []
    for time in decisions.suffix(40) {
      let revised = leak == .revisionBeforeItsTime ? all : known
      result.append(Artefact("feature close", at: time, [revised[time] ?? .nan]))
      let reach = leak == .centredWindow ? -2...2 : -4...0
      let window = reach.compactMap { (leak == .centredWindow ? all : known)[time.adding(minutes: $0)] }
      result.append(Artefact("feature mean_5", at: time, [mean(window)]))
    }
    result += scaled(decisions.suffix(40), known, whole: all)
    result += labels(decisions, known, all, cut)
    result += learnt(known, all, cut)
    return result
  }

  /// The newest version of each close available by a time, by close time.
  private func closes(_ events: [MarketEvent], by time: Timestamp) -> [Timestamp: Double] {
    var closes: [Timestamp: Double] = [:]
    for record in events.map(\.record).sorted(by: { $0.availableAt < $1.availableAt }) where record.availableAt <= time
    {
      closes[record.candle.closeTime] = record.candle.close.doubleValue
    }
    return closes
  }

  private func scaled(
    _ decisions: ArraySlice<Timestamp>, _ known: [Timestamp: Double], whole: [Timestamp: Double]
  ) -> [Artefact] {
    let basis = returns(leak == .wholeSetScaler ? whole : known)
    let scaler = RowMatrix(values: basis.keys.sorted().map { Float(basis[$0] ?? 0) }, columnCount: 1)
    let standardisation = Standardisation(scaler, training: RangeSet(0..<scaler.rowCount))
    let returns = returns(known)
    return decisions.map { time in
      Artefact("scaled return_1", at: time, [standardisation.value(Float(returns[time] ?? .nan), column: 0)])
    }
  }

  private func labels(
    _ decisions: [Timestamp], _ known: [Timestamp: Double], _ all: [Timestamp: Double], _ cut: Timestamp
  ) -> [Artefact] {
    let early = leak == .labelOneBarEarly ? 1 : 0
    return decisions.compactMap { time in
      guard time.adding(minutes: horizonMinutes - early) <= cut else { return nil }
      return label(time, early == 1 ? all : known).map { Artefact("label", at: time, [$0]) }
    }
  }

  private func learnt(_ known: [Timestamp: Double], _ all: [Timestamp: Double], _ cut: Timestamp) -> [Artefact] {
    let model = momentum(leak == .unpurgedOverlap ? all : known, decidedBy: cut)
    let times = (leak == .foldsFromTheWholeSet ? all : known).keys.sorted()
    let spans = LabelSpans(decisionTimes: times, labelEnds: times.map { $0.adding(minutes: horizonMinutes) })
    let folds = WalkForward(foldCount: 3, embargoMinutes: horizonMinutes).folds(spans)
    let later = leak == .thresholdFromTheFuture ? all : known
    return [
      Artefact("model", [model.afterRise, model.afterFall]),
      Artefact("folds", folds.map { "\($0.train.rowCount) \($0.test)" }.joined(separator: ";")),
      Artefact(
        "calibrator", calibrator(momentum(known, decidedBy: cut), leak == .calibratorFittedOnTest ? all : known)),
      Artefact("threshold", [returns(later).values.map { abs($0) }.sorted().last ?? 0]),
    ]
  }

  private func momentum(_ closes: [Timestamp: Double], decidedBy cut: Timestamp) -> Momentum {
    let returns = returns(closes)
    let rows = closes.keys.sorted().filter { $0 <= cut && label($0, closes) != nil }
    return Momentum(
      returns: rows.map { returns[$0] ?? .nan }, labels: rows.map { label($0, closes) ?? 0 },
      training: RangeSet(0..<rows.count))
  }

  private func calibrator(_ model: Momentum, _ closes: [Timestamp: Double]) -> [Double] {
    let returns = returns(closes)
    let rows = closes.keys.sorted().filter { label($0, closes) != nil }
    let fit = CalibratorFit(
      .platt,
      fitting: MarginRows(
        margins: rows.map { Logit.margin(probability: model.answer(return: returns[$0] ?? .nan)) },
        labels: rows.map { label($0, closes) ?? 0 }))
    guard case .platt(let parameters)? = fit else { return [] }
    return [parameters.a, parameters.b]
  }

  private func label(_ time: Timestamp, _ closes: [Timestamp: Double]) -> Double? {
    guard let now = closes[time], let then = closes[time.adding(minutes: horizonMinutes)] else { return nil }
    return then >= now ? 1 : 0
  }

  private func returns(_ closes: [Timestamp: Double]) -> [Timestamp: Double] {
    var returns: [Timestamp: Double] = [:]
    for (time, close) in closes { returns[time] = closes[time.adding(minutes: -1)].map { close / $0 - 1 } }
    return returns
  }

  private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
}
