import Ingestion
import Market
import Models
import Operations
import Pipeline
import Platform
import Synchronization

/// Notices that the registry has another version to serve, reads it where no prediction waits for it, and hands it over.
final class ModelWatch: Sendable {
  /// What answers for a target from now on.
  struct Change: Sendable {
    let served: LiveStart.ServedTarget
    let answer: Answer
  }

  /// By cadence; `nil` is the baseline.
  enum Answer: Sendable {
    case candles(ServedVersion?)
    case ticks(ServedTickVersion?)
  }

  /// A version that is to answer for a target and cannot.
  struct Refusal: Hashable, Sendable {
    let target: PredictionTarget
    let sentence: String
  }

  private struct State {
    /// As whoever predicts has it, or will when it has taken what is ready.
    var served: [PredictionTarget: LiveStart.ServedTarget]
    var ready: [Change] = []
    var stamp: Registry.Stamp?
    /// As they stand; one that stays so is told once.
    var refused: [PredictionTarget: Refusal] = [:]
    var untold: [Refusal] = []
  }

  private let context: CommandContext
  private let view: MarketView
  private let status: LiveStatus
  private let targets: [PredictionTarget]
  private let state: Mutex<State>

  /// - Parameter versions: what is served already.
  init(_ context: CommandContext, _ view: MarketView, serving versions: [LiveStart.ServedTarget], _ status: LiveStatus)
  {
    (self.context, self.view, self.status) = (context, view, status)
    let served = Dictionary(versions.map { ($0.target, $0) }) { _, last in last }
    state = Mutex(State(served: served))
    // What is not predicted between candles from the start never is.
    targets = PredictionTarget.all + served.keys.filter(\.isOfTicks)
  }

  /// Looks until its task is cancelled.
  ///
  /// - Parameter onChange: called when the registry is another than before, after changes were made ready.
  func run(onChange: @Sendable () async throws -> Void = {}) async {
    let seconds = context.configuration.number("inference.reload_seconds") ?? 1
    guard seconds > 0 else { return }
    let bucket = BucketModels(context)
    while !Task.isCancelled {
      await bucket?.look()
      await lookOnThread(onChange)
      try? await Task.sleep(for: .seconds(seconds))
    }
  }

  private func lookOnThread(_ onChange: () async throws -> Void) async {
    let before = state.withLock { $0.stamp }
    do { _ = try await DedicatedThread.run { self.look() } } catch {
      return context.log.write(.error, "models", "cannot look for other versions: \(error)")
    }
    do {
      if state.withLock({ $0.stamp }) != before { try await onChange() }
    } catch {
      context.log.write(.warning, "models", "the store's list of versions is not up to date: \(error)")
    }
  }

  /// What is to be served from now on; to be put into effect between two predictions.
  func take() -> [Change] {
    state.withLock { state in
      defer { state.ready = [] }
      return state.ready
    }
  }

  /// What could not be served since this was asked last.
  func takeRefusals() -> [Refusal] {
    state.withLock { state in
      defer { state.untold = [] }
      return state.untold
    }
  }

  /// - Returns: whether changes were made ready.
  func look() -> Bool {
    let stamp = context.registry.stamp
    let isNew = state.withLock { state in
      defer { state.stamp = stamp }
      return state.stamp != stamp
    }
    guard isNew else { return false }
    let before = state.withLock { $0.served }
    let changes = targets.compactMap { change(of: $0, before[$0]) }
    state.withLock { state in
      for change in changes { state.served[change.served.target] = change.served }
      state.ready += changes
    }
    return !changes.isEmpty
  }

  /// `nil` if nothing is to change, or what it is to change to cannot be served.
  private func change(of target: PredictionTarget, _ old: LiveStart.ServedTarget?) -> Change? {
    do {
      let serving = try context.serving(view, target)
      let new = LiveStart.ServedTarget(target, serving)
      // A target without any version is not predicted unless it was asked for.
      guard new != old, old != nil || new.version != nil else {
        state.withLock { $0.refused[target] = nil }
        return nil
      }
      let answer: Answer =
        target.isOfTicks
        ? .ticks(try context.servedTickVersion(view)) : .candles(try context.servedVersion(view, target))
      state.withLock { $0.refused[target] = nil }
      return Change(served: LiveStart.ServedTarget(target, answer), answer: answer)
    } catch {
      status.noteReload(.refused)
      let stays = old.map { $0.version ?? "the baseline" } ?? "nothing"
      let sentence = "\(target): another version cannot be served, \(stays) stays: \(error)"
      context.log.write(.error, "models", sentence)
      refuse(Refusal(target: target, sentence: sentence))
      return nil
    }
  }

  private func refuse(_ refusal: Refusal) {
    state.withLock { state in
      guard state.refused.updateValue(refusal, forKey: refusal.target) != refusal else { return }
      state.untold.append(refusal)
    }
  }
}

extension LiveStart.ServedTarget {
  init(_ target: PredictionTarget, _ answer: ModelWatch.Answer) {
    switch answer {
    case .candles(let version):
      self.init(
        target: target, version: version?.bundle.card.name.description,
        unpromotedReason: version?.standing.unpromotedReason)
    case .ticks(let version):
      self.init(
        target: target, version: version?.model.card.name.description,
        unpromotedReason: version?.standing.unpromotedReason)
    }
  }

  fileprivate init(_ target: PredictionTarget, _ serving: Registry.Serving) {
    switch serving {
    case .production(let name): self.init(target: target, version: name.description)
    case .unpromoted(let name, let reason):
      self.init(target: target, version: name.description, unpromotedReason: reason)
    case .baseline: self.init(target: target, version: nil)
    }
  }

  /// For the log.
  var sentence: String {
    guard let version else { return "the baseline answers for \(target) from now on" }
    return "\(version) answers for \(target) from now on"
      + (unpromotedReason.map { ", not in production: \($0)" } ?? "")
  }
}

extension ServedVersion.Standing {
  fileprivate var unpromotedReason: String? {
    switch self {
    case .production: nil
    case .unpromoted(let reason): reason
    }
  }
}
