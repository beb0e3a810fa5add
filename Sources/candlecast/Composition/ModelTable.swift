import Models
import Operations
import Storage

extension CommandContext {
  /// Brings `model_registry` to what the registry's journal says.
  func recordModels(in store: any Store) throws { try store.setModels(try registry.models()) }

  /// The same after a change of the registry, which stands whether or not the store can be had.
  func recordModelsIfPossible() {
    do {
      try recordModels(in: try store.open(.existing))
    } catch StoreError.absent {
      // Nothing is stored, so nobody looks there.
    } catch {
      log.write(.warning, "models", "the table model_registry follows with the next run or training: \(error)")
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
