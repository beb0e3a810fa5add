import Market
import Models
import Operations
import Storage

extension CommandContext {
  /// Brings `model_registry` to what the registry's journal says, and `training_metadata` to a row for each model of each
  /// version.
  func recordModels(in store: any Store) throws {
    let models = try registry.models()
    try store.setModels(models)
    let known = try store.trainedVersions()
    for model in models where model.status != .archived && !known.contains(model.version) {
      // One whose files are damaged or not here is told of where it is to be served.
      guard let name = VersionName(model.version), let card = try? registry.directory(of: name).card() else { continue }
      for training in card.trainings { try store.recordTraining(training) }
    }
  }

  /// The same after a change of the registry, which stands whether or not the store can be had.
  func recordModelsIfPossible() {
    do {
      try recordModels(in: try open(.existing))
    } catch StoreError.absent {
      // Nothing is stored, so nobody looks there.
    } catch StoreError.locked {
      // Who runs beside us looks at the registry again and again.
      log.write(.info, "models", "\(store) is in use; its tables of models follow")
    } catch {
      log.write(.warning, "models", "the store's tables of models follow with the next run or training: \(error)")
    }
  }
}

extension VersionCard {
  /// By model; the baseline learns nothing.
  fileprivate var trainings: [TrainingRecord] {
    let models = target.isOfTicks ? [ModelName.mlp] : ModelName.ofCandles.filter { $0 != .baseline }
    return models.map { model in
      let scores = scores["pooled"]?[model.rawValue]
      return TrainingRecord(
        trainedAt: created, view: view, target: target, version: name.description, modelName: model,
        trainedOn: dataset.from..<dataset.to, rows: trainRows, logLoss: scores?["log_loss"]?.value,
        auc: scores?["auc"]?.value, accuracy: scores?["accuracy"]?.value, verdict: gate.reason,
        validationRows: dataset.rows - trainRows, rootMeanSquaredError: scores?["rmse"]?.value,
        meanAbsoluteError: scores?["mae"]?.value)
    }
  }
}

extension Registry {
  /// Every version as `model_registry` has it, in the order of registration.
  func models() throws -> [RegisteredModel] {
    let journal = try history()
    let state = try RegistryState(journal[...])
    return try state.order.map { name in
      let record = try state.record(name)
      let changedAt = journal.last { $0.version == name || $0.previous == name }?.time ?? record.registeredAt
      return RegisteredModel(
        version: name.description, view: record.slot.view, target: record.slot.target,
        status: state.status(of: name, record), registeredAt: record.registeredAt, changedAt: changedAt,
        path: "\(path)/\(record.isArchived ? "archive" : "active")/\(name)", digest: record.facts.digest,
        isGatePassed: record.facts.gate.isPassed, gateReason: record.facts.gate.reason,
        isSynthetic: record.facts.isSynthetic)
    }
  }
}

extension RegistryState {
  fileprivate func status(of name: VersionName, _ record: Record) -> RegisteredModel.Status {
    if record.isArchived { return .archived }
    if version(.production, record.slot) == name { return .production }
    return version(.candidate, record.slot) == name ? .candidate : .registered
  }
}
