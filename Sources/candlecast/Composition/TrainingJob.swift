import Dataset
import FoundationEssentials
import Glibc
import Market
import Models
import Operations
import Storage

/// From the store to a registered version: dataset, fits in the trainer's process, registration.
struct TrainingJob {
  struct Result {
    let versions: [VersionName]
    let summary: Trainer.Summary
    let peakResidentBytes: Int64
  }

  let context: CommandContext
  let range: Range<Timestamp>
  let asOf: Timestamp?
  /// Without what earlier trainings left: the cached dataset, hyper-parameters, the calibrators' kind.
  let isFull: Bool
  let refits: Bool
  var isStopRequested: @Sendable () -> Bool = { Signals.isStopRequested }

  /// All three parts. A service that has the store meanwhile learns of the versions by itself.
  func run() throws -> Result {
    let dataset = try makeDataset(from: try context.openForReading())
    let result = try fit(dataset)
    context.recordModelsIfPossible()
    return result
  }

  /// Versions of the trainer's, registered; no store is asked.
  func fit(_ dataset: DatasetCache.Entry) throws -> Result {
    let slot = RegistrySlot(context.view, context.target)
    let created = context.now()
    removeAbandoned()
    let folder = "\(context.modelsFolder)/\(Self.stagingPrefix)\(getpid())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var bar = context.progress("train \(context.target)", unit: "‰", total: 1000)
    let trained = try Trainer(installation: context.installation).run(
      dataset: dataset.path, plan: try plan(slot), writingTo: folder, created: created,
      shouldStop: isStopRequested,
      onProgress: { stage, fraction in
        bar.label = "train \(context.target): \(stage)"
        bar.update(Int64(fraction * 1000))
      })
    bar.finish()
    let names = [trained.summary.judged, trained.summary.refit].compactMap { $0 }
    let versions = try names.map { name in
      try context.registry.register(
        staged: "\(folder)/\(name)", at: context.now(), who: context.user, why: "candlecast train")
    }
    return Result(versions: versions, summary: trained.summary, peakResidentBytes: trained.peakResidentBytes)
  }

  /// A training that was killed leaves its folder behind; the name says whose it was.
  private static let stagingPrefix = ".training-"

  private func removeAbandoned() {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: context.modelsFolder)) ?? [] {
      guard name.hasPrefix(Self.stagingPrefix), let process = pid_t(name.dropFirst(Self.stagingPrefix.count)),
        kill(process, 0) != 0, errno == ESRCH
      else { continue }
      try? FileManager.default.removeItem(atPath: "\(context.modelsFolder)/\(name)")
    }
  }

  /// A file of what is stored; the one that is there if nothing has changed.
  func makeDataset(from store: any Store) throws -> DatasetCache.Entry {
    try context.requireOwnModels()
    let summaries = try context.summaries(of: context.view, in: store)
    let summary = summaries[0]
    let wanted = range.clamped(to: summary.period)
    guard !wanted.isEmpty else {
      throw CommandError(
        .badData,
        "no candles of \(summary.series) between --from and --to; stored are \(summary.firstOpenTime) to "
          + "\(summary.lastOpenTime)")
    }
    let request = DatasetCache.Request(view: context.view, summaries: summaries, range: wanted, asOf: asOf)
    var bar = context.progress("dataset", unit: "candles", total: Int64(summaries.reduce(0) { $0 + $1.rows }))
    defer { bar.finish() }
    return try DatasetCache(in: context.stateFolder).dataset(request, from: store, isFresh: isFull) { count in
      bar.update(Int64(count))
      if isStopRequested() { throw CommandError(.failed, "stopped; nothing was registered") }
    }
  }

  /// What the trainer is told beside the dataset.
  func plan(_ slot: RegistrySlot) throws -> [UInt8] {
    var fields = isFull ? [:] : try planOfNewest(slot)
    fields["target"] = .string(context.target.description)
    fields["seed"] = .number(Double(context.seed))
    fields["refits"] = .bool(refits)
    if slot.target.isOfTicks {
      fields["minimumTapeHours"] = .number(context.configuration.number("training.min_tape_hours") ?? 6)
    }
    for (path, value) in overrides { fields.set(value, at: path) }
    return [UInt8](try JSONEncoder().encode(JSONNode.object(fields)))
  }

  /// What the configuration says about the plan.
  private var overrides: [(path: [String], value: Double)] {
    let knobs = [
      ("training.batch_size", "batch", ["sequence", "perceptron"]),
      ("training.max_epochs", "epochs", ["sequence", "perceptron"]),
      ("training.early_stopping_patience", "patience", ["sequence", "perceptron"]),
      ("mlp.dropout", "dropout", ["perceptron"]),
    ]
    return knobs.filter { context.configuration.isSet($0.0) }.flatMap { key, field, networks in
      let value = context.configuration.number(key) ?? context.configuration.integer(key).map(Double.init) ?? .nan
      return networks.filter { $0 == "perceptron" || !context.target.isOfTicks }
        .map { (path: [$0, field], value: value) }
    }
  }

  private func planOfNewest(_ slot: RegistrySlot) throws -> [String: JSONNode] {
    guard let name = try context.registry.state().version(.latest, slot) else { return [:] }
    let card = try context.registry.directory(of: name).card()
    guard case .object(let recipe) = card.recipe, case .object(var plan)? = recipe["plan"] else { return [:] }
    if let kind = card.calibratorKinds[ModelName.ensemble.rawValue] ?? card.calibratorKinds[ModelName.a.rawValue] {
      plan["calibratorKind"] = .string(kind)
    }
    return plan
  }
}

extension [String: JSONNode] {
  /// Puts a number into nested objects, made where they are not there.
  fileprivate mutating func set(_ value: Double, at path: [String]) {
    guard let first = path.first else { return }
    guard path.count > 1 else {
      self[first] = .number(value)
      return
    }
    var inner: [String: JSONNode] = [:]
    if case .object(let fields)? = self[first] { inner = fields }
    inner.set(value, at: Array(path.dropFirst()))
    self[first] = .object(inner)
  }
}
