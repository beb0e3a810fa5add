package import Market

/// The registered model `bitcoin-model`: its versions, aliases and their history, in a folder `models`.
///
/// The journal is the truth. An operation first appends its line to it, durably, then replaces `registry.json` and moves
/// folders to where the journal says; what a crash leaves undone the next operation does. Readers take no lock.
package struct Registry: Sendable {
  package static let modelName = "bitcoin-model"

  package let path: String
  private let patienceMilliseconds: Int
  var journalPath: String { path + "/journal.jsonl" }
  var statePath: String { path + "/registry.json" }

  /// - Parameter patienceMilliseconds: how long an operation waits for another process's to end; they take milliseconds.
  package init(path: String, patienceMilliseconds: Int = 2000) {
    (self.path, self.patienceMilliseconds) = (path, patienceMilliseconds)
  }

  /// What an answer rests on.
  package enum Serving: Sendable, Hashable {
    case production(VersionName)
    /// The latest version, and why it is not in production.
    case unpromoted(VersionName, reason: String)
    case baseline
  }

  package func state() throws(RegistryError) -> RegistryState { try load().state }

  /// The operations so far, oldest first.
  package func history() throws(RegistryError) -> [JournalEntry] { try load().entries }

  /// The state as it was at an instant.
  package func state(at time: Timestamp) throws(RegistryError) -> RegistryState {
    try RegistryState(try history().prefix { $0.time <= time })
  }

  /// What a reference means for a slot. `production` is that, else `latest`, else the baseline; another alias is that or
  /// the baseline. What was learnt from made-up data answers for a simulator's view alone.
  package func serving(
    _ slot: RegistrySlot, by reference: ModelReference = .alias(.production)
  ) throws(RegistryError) -> Serving {
    let state = try state()
    guard let name = try state.version(reference, slot) else { return .baseline }
    if name == state.version(.production, slot) { return .production(name) }
    let facts = try state.record(name).facts
    guard !facts.isSynthetic else {
      return slot.view.isSimulated ? .unpromoted(name, reason: "trained on synthetic data") : .baseline
    }
    let gate = facts.gate
    return .unpromoted(name, reason: gate.isPassed ? "not promoted yet" : gate.reason)
  }

  /// The version that an alias or a name means for a slot.
  package func resolve(_ reference: String, _ slot: RegistrySlot) throws(RegistryError) -> VersionName {
    let state = try state()
    if let alias = RegistryAlias(rawValue: reference) {
      guard let name = state.version(alias, slot) else { throw .noAlias(alias, slot: slot) }
      return name
    }
    guard let name = VersionName(reference) else { throw .badReference(reference) }
    let record = try state.record(name)
    guard record.slot == slot else { throw .otherSlot(name, actual: record.slot, wanted: slot) }
    return name
  }

  /// Reads and verifies a version, against its own checksums and against what was registered.
  package func directory(of name: VersionName) throws(RegistryError) -> VersionDirectory {
    let record = try state().record(name)
    do {
      let directory = try VersionDirectory(verifying: folder(name, isArchived: record.isArchived))
      guard directory.digest == record.facts.digest else {
        throw RegistryError.differs(name, expected: record.facts.digest, actual: directory.digest)
      }
      return directory
    } catch let error as VersionError {
      throw .version(error)
    } catch let error as RegistryError {
      throw error
    } catch {
      throw .damaged(file: path, line: nil, reason: "\(error)")
    }
  }

  /// Verifies a finished version folder and moves it under `active`; it becomes `latest`, and `candidate` if the gate
  /// passed it. The folder must be on the same file system.
  @discardableResult
  package func register(
    staged: String, at time: Timestamp, who: String, why: String
  ) throws(RegistryError) -> VersionName {
    let directory: VersionDirectory
    let card: VersionCard
    do {
      directory = try VersionDirectory(verifying: staged)
      card = try directory.card()
      if card.target.isOfTicks { _ = try TickModel(directory) } else { _ = try ModelBundle(directory) }
    } catch {
      throw .version(error)
    }
    let facts = JournalEntry.Facts(
      digest: directory.digest, isSynthetic: card.isSynthetic || card.view.isSimulated, gate: card.gate)
    let operation = RegistryState.Operation.register(card.name, RegistrySlot(card.view, card.target), facts)
    try perform(operation, at: time, who: who, why: why, arriving: staged)
    return card.name
  }

  package func makeCandidate(
    _ name: VersionName, at time: Timestamp, who: String, why: String
  ) throws(RegistryError) {
    try perform(.makeCandidate(name), at: time, who: who, why: why)
  }

  /// Puts a version into production for its slot.
  ///
  /// - Parameter isForced: go against the gate; journalled as `force`.
  package func promote(
    _ name: VersionName, isForced: Bool = false, at time: Timestamp, who: String, why: String
  ) throws(RegistryError) {
    _ = try directory(of: name)
    try perform(.promote(name, isForced: isForced), at: time, who: who, why: why)
  }

  /// Puts the version back that was in production before, and returns its name.
  @discardableResult
  package func rollback(
    _ slot: RegistrySlot, at time: Timestamp, who: String, why: String
  ) throws(RegistryError) -> VersionName {
    try perform(.rollback(slot), at: time, who: who, why: why).version
  }

  package func archive(_ name: VersionName, at time: Timestamp, who: String, why: String) throws(RegistryError) {
    try perform(.archive(name), at: time, who: who, why: why)
  }

  /// Folders under `active` that no entry names: what an interrupted registration left.
  package func strayFolders() throws(RegistryError) -> [String] {
    let state = try state()
    return DurableFile.names(in: path + "/active").filter { VersionName($0).map { state.versions[$0] == nil } ?? true }
  }

  @discardableResult
  private func perform(
    _ operation: RegistryState.Operation, at time: Timestamp, who: String, why: String,
    arriving staged: String? = nil
  ) throws(RegistryError) -> JournalEntry {
    do {
      for folder in ["active", "archive"] { try DurableFile.makeFolder("\(path)/\(folder)") }
    } catch {
      throw .file(error)
    }
    let lock = try RegistryLock(path + "/lock", patienceMilliseconds: patienceMilliseconds)
    defer { _ = lock }
    var journal = try load()
    do {
      try heal(journal)
      let entry = try journal.state.entry(for: operation, at: time, who: who, why: why)
      let line = try StableJSON.encode(entry, isPretty: false)
      if !DurableFile.exists(journalPath) { try DurableFile.replace(journalPath, with: []) }
      try move(staged, to: folder(entry.version, isArchived: false)) {
        try DurableFile.append(line, to: journalPath)
      }
      try journal.append(entry)
      try settle(journal)
      return entry
    } catch let error as RegistryError {
      throw error
    } catch let failure as FileFailure {
      throw .file(failure)
    } catch {
      throw .damaged(file: journalPath, line: nil, reason: "\(error)")
    }
  }

  /// Moves a new version's folder in, writes the line, and moves the folder back if that fails.
  private func move(_ staged: String?, to home: String, writing: () throws -> Void) throws {
    guard let staged, staged != home else { return try writing() }
    // A folder there that no entry names is what an interrupted registration left.
    if DurableFile.exists(home) { try DurableFile.remove(home) }
    try DurableFile.move(staged, to: home)
    do {
      try writing()
    } catch {
      try DurableFile.move(home, to: staged)
      throw error
    }
  }
}
