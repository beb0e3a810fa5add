internal import Features
package import Market
internal import Models

/// The second half of a pipeline: from feature vectors to predictions. It has no clock and no I/O.
package struct DecisionStage: ~Copyable {
  package let view: MarketView
  /// Decisions before it are not made; vectors only build up state.
  package var firstDecision = Timestamp.distantPast
  private let mode: Prediction.Mode
  private let featureSet: FeatureSet
  private let featureSetHash: String
  private let volatilityColumn: Int?
  private(set) var recent: RecentVectors
  private var servings: [Serving] = []

  package init(view: MarketView, mode: Prediction.Mode) {
    (self.view, self.mode) = (view, mode)
    featureSet = .of(view)
    featureSetHash = featureSet.hash.description
    volatilityColumn = featureSet.index(of: PriceBaseline.volatilityColumn)
    recent = RecentVectors(featureSet)
  }

  /// Starts, replaces or (with `nil`) withdraws the version that answers for a target. Without one the baseline answers.
  ///
  /// The version must be for this view and its feature set, which loading it checks.
  package mutating func serve(_ target: PredictionTarget, with version: ServedVersion?) {
    if let version { require(version, fits: target) }
    var serving = Serving(target: target, version: version, featureSet: featureSet)
    serving.rebuild(recent)
    if let index = servings.firstIndex(where: { $0.target == target && $0.arm == .main }) {
      servings[index] = serving
    } else {
      servings.append(serving)
    }
  }

  /// Sets the versions beside the one that answers for a target; those of before are withdrawn.
  package mutating func setArms(_ arms: [ServedArm<ServedVersion>], of target: PredictionTarget) {
    servings.removeAll { $0.target == target && $0.arm != .main }
    for arm in arms {
      require(arm.version, fits: target)
      var serving = Serving(target: target, arm: arm, featureSet: featureSet)
      serving.rebuild(recent)
      servings.append(serving)
    }
  }

  /// Loading a version checks this.
  private func require(_ version: ServedVersion, fits target: PredictionTarget) {
    let card = version.bundle.card
    precondition(
      card.view == view && card.target == target && card.layout.featureSetHash == featureSetHash,
      "\(card.name) is for \(card.target) of \(card.view) with features \(card.layout.featureSetHash), "
        + "not for \(target) of \(view) with \(featureSetHash)")
  }

  func serving(_ target: PredictionTarget) -> Serving? { servings.first { $0.target == target && $0.arm == .main } }

  /// Whether it has something to say of a decision.
  private func answers(_ serving: Serving, at time: Timestamp) -> Bool {
    switch serving.arm {
    case .main: !servings.contains { $0.target == serving.target && takes($0, at: time) }
    case .split: takes(serving, at: time)
    case .shadow: isBeside(serving)
    }
  }

  /// Whether it serves a decision in the place of the main version.
  private func takes(_ serving: Serving, at time: Timestamp) -> Bool {
    guard let part = serving.part, isBeside(serving) else { return false }
    return part.contains(ArmLine.place(of: time, serving.target, view))
  }

  /// The version is not the one that answers anyway.
  private func isBeside(_ arm: Serving) -> Bool { serving(arm.target)?.version != arm.version }

  /// Open time of the newest minute.
  package var newestOpenTime: Timestamp? { recent.newest?.openTime }

  /// The newest minute as far as a window that is not over reads it; `nil` before the first one.
  package var closedMinute: ClosedMinute? {
    recent.newest.map { newest in
      ClosedMinute(
        closeTime: newest.openTime.adding(minutes: 1),
        volatility: volatilityColumn.map { column in recent.withNewest { Double($0[column]) } } ?? .nan)
    }
  }

  /// Takes the minutes of before as they stand.
  mutating func restart(with recent: consuming RecentVectors) {
    self.recent = recent
    for index in servings.indices { servings[index].rebuild(self.recent) }
  }

  mutating func observe(_ engine: borrowing FeatureEngine) {
    recent.append(engine)
    for index in servings.indices { servings[index].observe(recent) }
  }

  mutating func replaceTail(with refolded: RecentVectors) {
    recent.replaceTail(with: refolded)
    for index in servings.indices { servings[index].rebuild(recent) }
  }

  /// Takes an update of a feature stage elsewhere and decides on it.
  ///
  /// False if the minutes of before are needed: give them by a stage that has folded what is stored.
  package mutating func step(_ update: FeatureUpdate, into sink: inout some PipelineSink) -> Bool {
    switch update {
    case .next(let point, let availableAt, let isWarm):
      guard point.vector.count == featureSet.count else { return false }
      recent.append(point)
      for index in servings.indices { servings[index].observe(recent) }
      decide(availableAt: availableAt, isWarm: isWarm, into: &sink)
      return true
    case .amended(let points, _):
      guard points.allSatisfy({ $0.vector.count == featureSet.count }) else { return false }
      recent.put(points)
      for index in servings.indices { servings[index].rebuild(recent) }
      return true
    case .needsRebuild: return false
    }
  }

  mutating func decide(availableAt: Timestamp, isWarm: Bool, into sink: inout some PipelineSink) {
    guard let newest = recent.newest, newest.openTime.adding(minutes: 1) >= firstDecision,
      availableAt <= newest.openTime.adding(minutes: 1 + PredictionPipeline.latestDecisionMinutes)
    else { return }
    let time = newest.openTime.adding(minutes: 1)
    for index in servings.indices where servings[index].isDue && answers(servings[index], at: time) {
      let decision = Decision(
        time: time, availableAt: availableAt, view: view,
        target: servings[index].target, featureSetHash: featureSetHash,
        inputHash: recent.inputHash(servings[index].windowState), mode: mode)
      servings[index].answer(decision, isWarm: isWarm, recent, into: &sink)
    }
  }
}
