import Evaluation
import Features
import FoundationEssentials
import Market
import Models
import Operations
import Pipeline

extension CommandContext {
  var registry: Registry { Registry(path: modelsFolder) }

  /// Who an entry of the journal names.
  var user: String { ProcessInfo.processInfo.environment["USER"] ?? "unknown" }

  /// What is registered for a target, by the reference that is configured.
  func serving(_ view: MarketView, _ target: PredictionTarget) throws -> Registry.Serving {
    let text = configuration.text("inference.model_uri") ?? ""
    guard let reference = ModelReference(text) else {
      throw CommandError(
        .wrongUsage,
        "inference.model_uri is “\(text)”; write models:/\(Registry.modelName)@production, @candidate or @latest, or "
          + "models:/\(Registry.modelName)/VERSION")
    }
    return try registry.serving(RegistrySlot(view, target), by: reference)
  }

  /// What answers for a target: by default `production`, else `latest` as unpromoted, else nothing but the baseline.
  func servedVersion(_ view: MarketView, _ target: PredictionTarget) throws -> ServedVersion? {
    switch try serving(view, target) {
    case .baseline: nil
    case .production(let name): ServedVersion(try bundle(of: name, view), standing: .production)
    case .unpromoted(let name, let reason):
      ServedVersion(try bundle(of: name, view), standing: .unpromoted(reason: reason))
    }
  }

  /// What answers in a running pipeline: each version that is registered, and where there is none, what follows from
  /// the price alone for the target asked for and for the windows that markets are made of.
  func answering(_ view: MarketView) throws -> [(target: PredictionTarget, version: ServedVersion?)] {
    try PredictionTarget.all.compactMap { target in
      let version = try servedVersion(view, target)
      let isAnswered = version != nil || target == self.target || PredictionTarget.marketWindows.contains(target)
      return isAnswered ? (target, version) : nil
    }
  }

  /// A version by alias or name; without one as `servedVersion`.
  func version(_ reference: String?, _ view: MarketView, _ target: PredictionTarget) throws -> ServedVersion? {
    guard let reference else { return try servedVersion(view, target) }
    let slot = RegistrySlot(view, target)
    let name = try registry.resolve(reference, slot)
    if case .production(name) = try registry.serving(slot) {
      return ServedVersion(try bundle(of: name, view), standing: .production)
    }
    let bundle = try bundle(of: name, view)
    return ServedVersion(bundle, standing: .unpromoted(reason: bundle.card.gate.reason))
  }

  /// A version as it once served, whatever it counts for now.
  func version(
    _ name: String, _ view: MarketView, _ target: PredictionTarget, standing: ServedVersion.Standing
  ) throws -> ServedVersion {
    let name = try registry.resolve(name, RegistrySlot(view, target))
    return ServedVersion(try bundle(of: name, view), standing: standing)
  }

  /// The baselines that a version's training window gave; `nil` for targets that have none.
  func baselines(of name: VersionName) throws -> TrainedBaselines? {
    let directory = try registry.directory(of: name)
    guard directory.has(TrainedBaselines.fileName) else { return nil }
    return try JSONDecoder().decode(
      TrainedBaselines.self, from: Data(try directory.bytes(of: TrainedBaselines.fileName)))
  }

  /// What answers between candles; `nil` where nothing is registered.
  func servedTickVersion(_ view: MarketView) throws -> ServedTickVersion? {
    switch try serving(view, TickDecisions.target) {
    case .baseline: nil
    case .production(let name): ServedTickVersion(try tickModel(of: name, view), standing: .production)
    case .unpromoted(let name, let reason):
      ServedTickVersion(try tickModel(of: name, view), standing: .unpromoted(reason: reason))
    }
  }

  /// A version as it once served, whatever it counts for now.
  func tickVersion(
    _ name: String, _ view: MarketView, _ target: PredictionTarget, _ standing: ServedVersion.Standing
  ) throws -> ServedTickVersion {
    let name = try registry.resolve(name, RegistrySlot(view, target))
    return ServedTickVersion(try tickModel(of: name, view), standing: standing)
  }

  private func tickModel(of name: VersionName, _ view: MarketView) throws -> TickModel {
    try TickModel(
      path: try registry.directory(of: name).path, view: view, inputsHash: TickInputs.hash.description,
      inputNames: TickInputs.names)
  }

  private func bundle(of name: VersionName, _ view: MarketView) throws -> ModelBundle {
    let set = FeatureSet.of(view)
    return try ModelBundle(
      path: try registry.directory(of: name).path, view: view, featureSetHash: set.hash.description,
      columnNames: set.names)
  }
}
