import Features
import Market
import Pipeline
import Redis
import Streams

/// The second half of the tick cadence in a process of its own: points in, predictions out.
struct RoleDecisions {
  private static let rememberedRuns = 8

  /// Times within a range of which there are rows.
  typealias Stored = (Range<Timestamp>, Prediction.Mode) throws -> Set<Timestamp>

  private let view: MarketView
  private let carrier: RoleStreams.Kind
  private var version: ServedTickVersion?
  private var tickArms: [ServedArm<ServedTickVersion>] = []
  /// What serves at closes.
  private var closing: [PredictionTarget: ServedVersion?] = [:]
  private var arms: [PredictionTarget: [ServedArm<ServedVersion>]] = [:]
  private var newestClose: (made: [Prediction], knownAt: Timestamp)?
  /// The one that points come of is the last. Where a recording is played back once more, points of an earlier one come
  /// between those of this, which goes on as if they had not.
  private var runs: [Run] = []
  private var stored = StoredTimes()
  /// Since when points come as they are made, and nothing is played back.
  private var isLive = false
  /// Of these moments it was said that no point had come.
  private var unheardUntil = Timestamp.distantPast
  /// The moment of the newest point.
  private(set) var newest = Timestamp.distantPast
  private(set) var decided = 0
  /// The point taken last is the first of its run here.
  private(set) var beginsRun = false
  /// The point taken last had been taken before.
  private(set) var isRepeated = false
  /// Points whose moment had been spoken of before they came.
  private(set) var late = 0

  private struct Run {
    let start: Timestamp
    let cadence: TickCadence
    var newest = Timestamp.distantPast
    var decisions: TickDecisions
    var windows: WindowDecisions
  }

  private var cadence: TickCadence { runs.last?.cadence ?? TickCadence() }

  init(_ view: MarketView, _ version: ServedTickVersion?, carrier: RoleStreams.Kind) {
    (self.view, self.version, self.carrier) = (view, version, carrier)
  }

  mutating func serve(_ version: ServedTickVersion?) {
    self.version = version
    for place in runs.indices { runs[place].decisions.serve(version) }
  }

  mutating func setTickArms(_ arms: [ServedArm<ServedTickVersion>]) {
    tickArms = arms
    for place in runs.indices { runs[place].decisions.setArms(arms) }
  }

  /// What serves a target at closes from now on.
  mutating func serve(_ target: PredictionTarget, with version: ServedVersion?) {
    closing.updateValue(version, forKey: target)
    for place in runs.indices { runs[place].windows.serve(target, with: version) }
  }

  /// Which versions beside it may serve a target at closes.
  mutating func setArms(_ arms: [ServedArm<ServedVersion>], of target: PredictionTarget) {
    self.arms.updateValue(arms, forKey: target)
    for place in runs.indices { runs[place].windows.setArms(arms, of: target) }
  }

  /// Holds what was said at a close until the next one.
  ///
  /// - Parameter knownAt: when its candle was stored.
  mutating func hold(_ made: [Prediction], knownAt: Timestamp) {
    guard !made.isEmpty else { return }
    newestClose = (made, knownAt)
    for place in runs.indices { runs[place].windows.hold(made) }
  }

  /// - Parameter minute: the newest candle before the point.
  /// - Returns: what is to be stored; nothing for a point that was decided on already.
  mutating func decide(on event: PointEvent, _ minute: ClosedMinute?, stored rows: Stored) throws -> [Prediction] {
    let time = event.point.inputs.time
    isRepeated = !isNew(event.run, time)
    guard !isRepeated else {
      beginsRun = false
      return []
    }
    let mode: Prediction.Mode = event.source == RoleSource.replay ? .replay : .live
    let isStored = try stored.contains(time) { try rows($0, mode) }
    goOn(with: event, mode)
    isLive = mode == .live
    guard time > newest else {
      // What stood in the cache was decided on before.
      late += 1
      return []
    }
    newest = time
    let last = runs.count - 1
    runs[last].newest = time
    var point = event.point
    if carrier == .redis, point.source == .direct { point.source = .redis }
    let made = runs[last].decisions.decide(on: point)
    // Points come again so that those after them are decided on as if nobody had died.
    if isStored { return [] }
    guard time > unheardUntil else {
      late += 1
      return []
    }
    decided += 1
    return made + told(runs[last].windows.decide(on: event.windows, at: time, minute))
  }

  private func told(_ made: [Prediction]) -> [Prediction] {
    guard carrier == .redis else { return made }
    return made.map { prediction in
      var prediction = prediction
      if prediction.forecast?.source == .direct { prediction.forecast?.source = .redis }
      return prediction
    }
  }

  private func isNew(_ run: Timestamp, _ time: Timestamp) -> Bool {
    runs.last { $0.start == run }.map { time > $0.newest } ?? true
  }

  /// Makes the event's run the last, and begins it if it is not remembered.
  private mutating func goOn(with event: PointEvent, _ mode: Prediction.Mode) {
    beginsRun = false
    guard runs.last?.start != event.run else { return }
    if let place = runs.firstIndex(where: { $0.start == event.run }) {
      runs.append(runs.remove(at: place))
    } else {
      beginsRun = true
      runs.append(begun(event, mode))
      if runs.count > Self.rememberedRuns { runs.removeFirst() }
    }
    (newest, unheardUntil) = (runs.last?.newest ?? .distantPast, .distantPast)
  }

  private func begun(_ event: PointEvent, _ mode: Prediction.Mode) -> Run {
    var run = Run(
      start: event.run, cadence: event.cadence, decisions: TickDecisions(view, event.cadence, mode: mode),
      windows: WindowDecisions(view, mode: mode))
    run.decisions.serve(version)
    run.decisions.setArms(tickArms)
    for (target, version) in closing { run.windows.serve(target, with: version) }
    for (target, beside) in arms { run.windows.setArms(beside, of: target) }
    // A close of this run may come before its first point.
    if let newestClose, newestClose.knownAt >= event.run { run.windows.hold(newestClose.made) }
    return run
  }

  // MARK: Silence

  /// A moment that should have had a point long ago; `nil` while all is well, or before any point has come.
  func overdueMoment(at now: Timestamp) -> Timestamp? {
    let interval = cadence.intervalMilliseconds
    let moment = Timestamp(milliseconds: now.milliseconds.flooredQuotient(interval) * interval)
    guard isLive, now.milliseconds - newest.milliseconds > cadence.maxInputAgeMilliseconds + interval,
      moment > max(newest, unheardUntil)
    else { return nil }
    return moment
  }

  /// Decides on what stands in the cache, or says why nothing can be said; `nil` is no cache.
  mutating func decide(
    on reading: CacheReading<[FeaturePoint]>?, at moment: Timestamp, now: Timestamp
  ) -> [Prediction] {
    switch reading {
    case .fresh(let points, let age)?:
      guard let point = points.first, point.timestamp > max(newest, unheardUntil) else {
        return abstain(at: moment, "stale", "no point has come for \(now.milliseconds - newest.milliseconds) ms")
      }
      (newest, unheardUntil) = (point.timestamp, point.timestamp)
      decided += 1
      guard let last = runs.indices.last else { return [] }
      let made = runs[last].decisions.decide(on: TickPoint(point, ageMilliseconds: age))
      let reason = "no point has come, and what stands in Redis does not tell how windows began"
      return made + told(runs[last].windows.abstain(at: point.timestamp, code: "stale", reason: reason))
    case .stale(_, let age)?: return abstain(at: moment, "stale", "the newest features in Redis are \(age) ms old")
    case .missing?: return abstain(at: moment, "missing", "there are no features in Redis")
    case .unreadable(let reason)?: return abstain(at: moment, "unreadable", "the features in Redis are none: \(reason)")
    case .unavailable(let error)?: return abstain(at: moment, "unavailable", "Redis does not answer: \(error)")
    case nil:
      return abstain(at: moment, "stale", "no point has come for \(now.milliseconds - newest.milliseconds) ms")
    }
  }

  private mutating func abstain(at moment: Timestamp, _ code: String, _ reason: String) -> [Prediction] {
    unheardUntil = moment
    guard let last = runs.indices.last else { return [] }
    let source: PriceForecast.Source = carrier == .redis ? .redis : .direct
    return [runs[last].decisions.abstain(at: moment, code: code, reason: reason, source: source)]
      + told(runs[last].windows.abstain(at: moment, code: code, reason: reason))
  }
}

extension TickPoint {
  /// What is printed has no mean of closes; the last known one stands for it.
  fileprivate init(_ point: FeaturePoint, ageMilliseconds: Int64) {
    self.init(
      inputs: TickInputs(time: point.timestamp, values: point.tickValues, reference: nil),
      ageMilliseconds: ageMilliseconds,
      source: point.source == PriceForecast.Source.fallback.rawValue ? .fallback : .redis)
  }
}
