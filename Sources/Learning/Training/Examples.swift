package import Dataset
package import Evaluation
internal import Features
package import Market
package import Models
internal import Settlement

/// One target's decisions in a dataset as the fits read them.
///
/// A row is a candle in time order; a decision is a row that is old enough to predict on and whose label is known.
/// Columns by row hold NaN where there is no decision.
package struct Examples {
  package let target: PredictionTarget
  package let view: MarketView
  /// The model input, one row a candle: raw model columns, for windows followed by the extras.
  package private(set) var inputs: Matrix
  /// The closed form's logits by row, on which window models learn a correction.
  package private(set) var offsets: [Float]?
  package let labels: [Float]
  /// Windows count equally, whatever the number of their decisions.
  package let weights: [Float]?
  package let windows: [WindowState?]
  /// Candles in a row without an absent minute that end with each row.
  package let unbrokenMinutes: [Int32]
  /// Row of each decision.
  package let decisions: [Int]
  package let spans: LabelSpans
  /// Relative changes over the horizon before each decision, for the momentum baseline; NaN where a price is absent.
  package let horizonReturns: [Double]

  private let volatilities: [String: [Float]]

  /// - Throws: `TrainingError` if the dataset's features are not this program's, or its prices cannot settle the target.
  package init(_ dataset: Dataset, plan: TrainingPlan) throws {
    guard let view = MarketView(dataset.header.view) else { throw TrainingError.badView(dataset.header.view) }
    let set = FeatureSet.of(view)
    guard dataset.header.featureSetHash == set.hash.description, dataset.header.featureNames == set.names else {
      throw TrainingError.otherFeatures(expected: set.hash.description, found: dataset.header.featureSetHash)
    }
    target = plan.target
    self.view = view
    unbrokenMinutes = Self.unbrokenMinutes(dataset)
    let windows = Self.windows(dataset, target: plan.target)
    self.windows = windows
    inputs = Self.inputs(set.modelColumns, of: dataset, windows: windows)
    var volatilities: [String: [Float]] = [:]
    for name in plan.volatilityColumns {
      guard let column = set.names.firstIndex(of: name) else { throw TrainingError.noColumn(name) }
      volatilities[name] = Self.gather([column], of: dataset)
    }
    self.volatilities = volatilities

    let prices = PricePath(
      minutes: dataset.minuteOpenTimesMicroseconds.map { Timestamp(microseconds: $0).minute },
      opens: Array(dataset.minuteOpens), closes: Array(dataset.minuteCloses))
    let times = (0..<dataset.rowCount).map { dataset.decisionTime($0) }
    let settled = try SettledTarget(plan.target, source: view.price).labels(
      at: times, prices: prices, ticks: Self.ticks(dataset, of: view.price))
    let unbroken = unbrokenMinutes
    let isWindow = plan.target.isWindow
    decisions = times.indices.filter { row in
      settled.values[row].isFinite && dataset.nearAmendment[row] == 0 && unbroken[row] >= SequenceKernel.stepCount
        && dataset.candlesSinceRestart[row] >= FeatureEngine.warmUpCandles
        && (!isWindow || (windows[row] != nil && volatilities.values.allSatisfy { $0[row] > 0 }))
    }
    guard decisions.count >= Self.fewest else {
      throw TrainingError.tooFewDecisions(decisions.count, needed: Self.fewest)
    }
    spans = LabelSpans(decisionTimes: decisions.map { times[$0] }, labelEnds: decisions.map { settled.labelEnds[$0] })
    labels = Self.spread(decisions.map { Float(settled.values[$0]) }, over: decisions, rows: times.count)
    weights = isWindow ? Self.spread(Self.windowWeights(spans), over: decisions, rows: times.count) : nil
    horizonReturns = decisions.map { row in
      let horizon = plan.target.horizonMinutes
      guard let last = prices.price(at: times[row]), let first = prices.price(at: times[row].adding(minutes: -horizon))
      else { return .nan }
      return last / first - 1
    }
  }

  /// Under this many decisions nothing can be learnt or judged.
  private static let fewest = 2000

  package var rowCount: Int { labels.count }

  /// For windows, of a range of decisions.
  func minutesLeft(_ range: Range<Int>) -> [Int]? {
    windows.isEmpty ? nil : decisions[range].map { windows[$0]?.minutesLeft ?? 0 }
  }

  package func decisionLabels(_ range: Range<Int>) -> [Double] { decisions[range].map { Double(labels[$0]) } }

  package func decisionWeights(_ range: Range<Int>) -> [Double]? {
    weights.map { weights in decisions[range].map { Double(weights[$0]) } }
  }

  /// The rows of decisions, thinned to those whose minute falls on a phase.
  package func rows(_ decisions: RangeSet<Int>, everyMinutes step: Int = 1, phase: Int = 0) -> [Int] {
    let rows = decisions.ranges.flatMap { self.decisions[$0] }
    guard step > 1 else { return rows }
    return rows.filter { row in (row + phase) % step == 0 }
  }

  /// Picks the closed form of least log-loss on training decisions, and fills in what follows from it. Returns the
  /// volatility column; `nil` for targets without windows.
  mutating func chooseClosedForm(training: RangeSet<Int>) -> String? {
    guard !windows.isEmpty else { return nil }
    let names = volatilities.keys.sorted()
    let candidates = names.map { name in decisions.map { row in closedForm(name, row)?.z ?? .nan } }
    let all = decisions.indices
    let choice = VolatilityChoice(
      candidates: candidates, labels: decisionLabels(all), weights: decisionWeights(all), training: training)
    guard let choice else { return nil }
    fill(names[choice.index])
    return names[choice.index]
  }

  private mutating func fill(_ volatilityColumn: String) {
    let extra = inputs.columns - WindowExtra.allCases.count
    var offsets = [Float](repeating: .nan, count: rowCount)
    for row in 0..<rowCount {
      guard let window = windows[row], let form = closedForm(volatilityColumn, row) else { continue }
      offsets[row] = Float(form.logit)
      for (index, kind) in WindowExtra.allCases.enumerated() {
        inputs.values[row * inputs.columns + extra + index] = form.value(of: kind, window)
      }
    }
    self.offsets = offsets
  }

  private func closedForm(_ volatilityColumn: String, _ row: Int) -> ClosedForm? {
    guard let window = windows[row], let volatility = volatilities[volatilityColumn]?[row] else { return nil }
    return ClosedForm(window, volatility: Double(volatility))
  }

  private static func inputs(_ columns: [Int], of dataset: Dataset, windows: [WindowState?]) -> Matrix {
    let extras = windows.isEmpty ? 0 : WindowExtra.allCases.count
    return Matrix(columns: columns.count + extras, values: gather(columns, padding: extras, of: dataset))
  }

  /// Windows count equally; the mean weight is 1, so that penalties mean the same for every target.
  private static func windowWeights(_ spans: LabelSpans) -> [Float] {
    let weights = spans.equalLabelWeights
    let mean = weights.reduce(0, +) / Double(weights.count)
    return weights.map { Float($0 / mean) }
  }

  private static func unbrokenMinutes(_ dataset: Dataset) -> [Int32] {
    let openTimes = dataset.openTimesMicroseconds
    var run: Int32 = 0
    return openTimes.indices.map { row in
      let follows = row > 0 && openTimes[row] - openTimes[row - 1] == Timestamp.microsecondsPerMinute
      run = follows ? run + 1 : 1
      return run
    }
  }

  private static func gather(_ columns: [Int], padding: Int = 0, of dataset: Dataset) -> [Float] {
    let width = dataset.featureCount
    let features = dataset.features
    var values: [Float] = []
    values.reserveCapacity(dataset.rowCount * (columns.count + padding))
    for row in 0..<dataset.rowCount {
      for column in columns { values.append(features[row * width + column]) }
      for _ in 0..<padding { values.append(.nan) }
    }
    return values
  }

  private static func windows(_ dataset: Dataset, target: PredictionTarget) -> [WindowState?] {
    guard case .window(let length) = target else { return [] }
    var tracker = WindowTracker(lengthMinutes: length)
    return (0..<dataset.rowCount).map { row in
      let (open, close) = (dataset.opens[row], dataset.closes[row])
      tracker.update(
        FeatureInput(
          openTime: Timestamp(microseconds: dataset.openTimesMicroseconds[row]), open: open, high: max(open, close),
          low: min(open, close), close: close))
      guard let left = tracker.minutesLeft, let move = tracker.moveBasisPoints else { return nil }
      return WindowState(minutesLeft: left, moveBasisPoints: move)
    }
  }

  /// What decides windows where the closes do not.
  private static func ticks(_ dataset: Dataset, of source: Series) -> TickPath? {
    dataset.instants.map { TickPath(settled: $0.map { (time: $0.time, price: $0.price) }, source: source) }
  }

  private static func spread(_ values: [Float], over decisions: [Int], rows: Int) -> [Float] {
    var column = [Float](repeating: .nan, count: rows)
    for (decision, row) in decisions.enumerated() { column[row] = values[decision] }
    return column
  }
}
