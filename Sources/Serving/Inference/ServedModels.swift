internal import Features
package import Market
internal import Models
package import Pipeline
internal import Synchronization

/// The models that answer for single vectors, by target, beside the pipeline that follows the market with its own.
///
/// One vector has no sequence: the trees of model A and the network answer, model B, model C and the ensemble, which
/// read an hour of minutes, do not.
package final class ServedModels: Sendable {
  /// One object, so that looking at it copies none of the bundle's parts.
  ///
  /// `@unchecked Sendable`: the bundle is used under the mutex alone.
  private final class Served: @unchecked Sendable {
    let version: ServedVersion
    let name: String
    let state: String
    let reason: String
    var bundle: ModelBundle

    init(_ version: ServedVersion) {
      (self.version, name, bundle) = (version, version.bundle.card.name.description, version.bundle)
      (state, reason) = (version.state, version.reason)
      bundle.restart()
    }
  }

  package let view: MarketView
  package let preset: PredictionTarget
  package let schema: FeatureSchema
  private let volatilityColumn: Int?
  private let viewText: String
  private let served = Mutex<[PredictionTarget: Served]>([:])

  /// - Parameter preset: what is predicted where no target is named.
  package init(view: MarketView, preset: PredictionTarget) {
    let set = FeatureSet.of(view)
    (self.view, self.preset, schema) = (view, preset, FeatureSchema(set))
    viewText = view.description
    volatilityColumn = set.index(of: PriceBaseline.volatilityColumn)
  }

  /// Starts, replaces or (with `nil`) withdraws the version that answers for a target; requests see one or the other.
  package func serve(_ target: PredictionTarget, with version: ServedVersion?) {
    let new = version.map { Served($0) }
    served.withLock { $0[target] = new }
  }

  /// Of the version that answers for a target; `nil` if the baseline does.
  package func version(of target: PredictionTarget) -> ServedVersion? {
    served.withLock { $0[target]?.version }
  }

  /// The first of them that a version has answers where none is asked for.
  static let preferred: [ModelName] = [.a, .mlp, .baseline]

  /// The models that answer for a target.
  func names(of target: PredictionTarget) -> [ModelName] {
    let names = version(of: target)?.bundle.modelNames ?? []
    return Self.preferred.filter { $0 == .baseline || names.contains($0) }
  }

  /// The name of the model that answers where nothing else is asked for, and its version.
  package var defaultModelName: String {
    let name = names(of: preset)[0].rawValue
    guard let version = version(of: preset) else { return name }
    return "\(name) \(version.bundle.card.name)"
  }

  func answer(_ question: VectorQuestion) throws(APIFailure) -> VectorAnswer {
    try schema.check(question.features, names: question.names, hash: question.featureSetHash)
    let target = question.target ?? preset
    try check(question.window, of: target)
    if let model = question.model { try check(model, of: target) }
    let (answers, served) = served.withLock { all in
      let served = all[target]
      return (served?.bundle.predict(question.features, window: question.window), served)
    }
    let hash = question.features.withUnsafeBufferPointer { Fingerprint($0, question.window) }
    var answer = VectorAnswer(
      target: target, view: viewText, modelName: question.model ?? .baseline, value: nil, version: "",
      state: served?.state ?? "unpromoted",
      reason: served?.reason ?? "no version is registered for \(target)", featureSetHash: schema.hash,
      inputHash: hash)
    if let answers {
      answer.take(
        answers, of: served?.name ?? "", asked: question.model,
        preferred: Self.preferred)
    } else {
      let volatility = volatilityColumn.map { Double(question.features[$0]) } ?? .nan
      answer.takeBaseline(PriceBaseline.value(of: target, question.window, volatility: volatility))
    }
    return answer
  }

  private func check(_ window: WindowState?, of target: PredictionTarget) throws(APIFailure) {
    guard case .window(let length) = target else {
      guard window == nil else {
        throw APIFailure(422, "wrong_window", "\(target) has no window; leave “window” out, or name a window target")
      }
      return
    }
    guard let window else {
      throw APIFailure(
        422, "wrong_window",
        "\(target) needs where the window stood when the vector was made: "
          + #"{"window":{"minutes_left":1…\#(length),"move_basis_points":10⁴·ln(price / strike)}}"#)
    }
    guard window.minutesLeft <= length else {
      throw APIFailure(422, "wrong_window", "\(window.minutesLeft) minutes left of \(target)")
    }
  }

  private func check(_ model: ModelName, of target: PredictionTarget) throws(APIFailure) {
    let names = names(of: target)
    guard !names.contains(model) else { return }
    let known = names.map(\.rawValue).joined(separator: ", ")
    throw APIFailure(
      422, "wrong_model",
      Self.preferred.contains(model)
        ? "no version with \(model.rawValue) serves \(target); \(known) answers"
        : "\(model.rawValue) reads an hour of minutes, and this is one vector; \(known) answers")
  }
}
