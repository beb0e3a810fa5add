package import Market

/// The registered model `bitcoin-model`: its versions, aliases and their history, in a folder `models`.
///
/// The journal is the truth. An operation first appends its line to it, durably, then replaces `registry.json` and moves
/// folders to where the journal says; what a crash leaves undone the next operation does. Readers take no lock.
package struct Registry: Sendable {
  package static let modelName = "bitcoin-model"

  package let path: String
  private var journalPath: String { path + "/journal.jsonl" }
  private var statePath: String { path + "/registry.json" }

  private static let largestFile = 64 << 20

  package init(path: String) { self.path = path }

  /// What an answer rests on.
  package enum Serving: Sendable, Hashable {
    case production(VersionName)
    /// The latest version, and why it is not in production.
    case unpromoted(VersionName, reason: String)
    case baseline
  }

  // MARK: Reading

  package func state() throws(RegistryError) -> RegistryState { try load().state }

  /// The operations so far, oldest first.
  package func history() throws(RegistryError) -> [JournalEntry] { try load().entries }

  /// The state as it was at an instant.
  package func state(at time: Timestamp) throws(RegistryError) -> RegistryState {
    try RegistryState(try history().prefix { $0.time <= time })
  }

  /// `production`, else `latest`, else the baseline.
  package func serving(_ slot: RegistrySlot) throws(RegistryError) -> Serving {
    let state = try state()
    if let name = state.version(.production, slot) { return .production(name) }
    guard let name = state.version(.latest, slot) else { return .baseline }
    let gate = try state.record(name).facts.gate
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

  // MARK: Operations

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
      _ = try ModelBundle(directory)
      card = try directory.card()
    } catch {
      throw .version(error)
    }
    let facts = JournalEntry.Facts(digest: directory.digest, isSynthetic: card.isSynthetic, gate: card.gate)
    let operation = RegistryState.Operation.register(card.name, RegistrySlot(card.view, card.target), facts)
    let destination = folder(card.name, isArchived: false)
    try perform(operation, at: time, who: who, why: why) { () throws(FileFailure) in
      // A folder there that no entry names is what an interrupted registration left.
      if destination != staged, DurableFile.exists(destination) { try DurableFile.remove(destination) }
      if destination != staged { try DurableFile.move(staged, to: destination) }
    }
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
    before: () throws(FileFailure) -> Void = {}
  ) throws(RegistryError) -> JournalEntry {
    do {
      for folder in ["active", "archive"] { try DurableFile.makeFolder("\(path)/\(folder)") }
    } catch {
      throw .file(error)
    }
    let lock = try RegistryLock(path + "/lock")
    defer { _ = lock }
    var journal = try load()
    do {
      try heal(journal)
      let entry = try journal.state.entry(for: operation, at: time, who: who, why: why)
      try before()
      try DurableFile.append(try StableJSON.encode(entry, isPretty: false), to: journalPath)
      try DurableFile.syncFolder(path)
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

  // MARK: Journal and state

  private struct Journal {
    var entries: [JournalEntry] = []
    var state = RegistryState()
    /// Bytes up to the last whole line.
    var wholeLength = 0
    /// A line that was being written when its process ended.
    var hasTornLine = false

    mutating func append(_ entry: JournalEntry) throws(RegistryError) {
      try state.apply(entry)
      entries.append(entry)
    }
  }

  private func load() throws(RegistryError) -> Journal {
    var journal = Journal()
    if DurableFile.exists(journalPath) {
      let bytes = try read(journalPath)
      journal.wholeLength = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
      journal.hasTornLine = journal.wholeLength < bytes.count
      let lines = bytes[..<journal.wholeLength].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      for (index, line) in lines.dropLast().enumerated() { try take(line, number: index + 1, into: &journal) }
    }
    try compare(journal)
    return journal
  }

  private func take(
    _ line: ArraySlice<UInt8>, number: Int, into journal: inout Journal
  ) throws(RegistryError) {
    let entry: JournalEntry
    do {
      entry = try StableJSON.decode(JournalEntry.self, from: line)
    } catch {
      throw .damaged(file: journalPath, line: number, reason: StableJSON.reason(error))
    }
    do {
      try journal.append(entry)
    } catch {
      throw .damaged(file: journalPath, line: number, reason: error.description)
    }
  }

  /// `registry.json` may be behind the journal after a crash, never ahead of it or beside it.
  private func compare(_ journal: Journal) throws(RegistryError) {
    guard DurableFile.exists(statePath) else { return }
    let file: RegistryFile
    do {
      file = try StableJSON.decode(RegistryFile.self, from: try read(statePath))
    } catch let error as RegistryError {
      throw error
    } catch {
      throw .damaged(
        file: statePath, line: nil, reason: "\(StableJSON.reason(error)); remove it, the journal restores it")
    }
    guard file.schema == RegistryFile.currentSchema, file.name == Self.modelName else {
      throw .damaged(file: statePath, line: nil, reason: "schema \(file.schema) of “\(file.name)” is not known here")
    }
    guard (0...journal.entries.count).contains(file.entries) else {
      throw .damaged(
        file: statePath, line: nil,
        reason: "it knows \(file.entries) operations, the journal \(journal.entries.count); the journal was cut")
    }
    let then = try RegistryState(journal.entries.prefix(file.entries))
    guard file == RegistryFile(then, entries: file.entries) else {
      throw .damaged(
        file: statePath, line: nil, reason: "it contradicts the journal; if the journal is right, remove the file")
    }
  }

  private func read(_ path: String) throws(RegistryError) -> [UInt8] {
    do {
      return try DurableFile.read(path, atMost: Self.largestFile)
    } catch {
      throw .file(error)
    }
  }

  /// Finishes what a crash left undone. A torn line was never acknowledged: it goes.
  private func heal(_ journal: Journal) throws {
    if journal.hasTornLine { try DurableFile.truncate(journalPath, to: journal.wholeLength) }
    try settle(journal)
  }

  /// Brings `registry.json` and the folders to what the journal says.
  private func settle(_ journal: Journal) throws {
    for (name, record) in journal.state.versions {
      let (home, elsewhere) = (
        folder(name, isArchived: record.isArchived), folder(name, isArchived: !record.isArchived)
      )
      if !DurableFile.exists(home), DurableFile.exists(elsewhere) { try DurableFile.move(elsewhere, to: home) }
    }
    let bytes = try StableJSON.encode(RegistryFile(journal.state, entries: journal.entries.count))
    if DurableFile.exists(statePath), try read(statePath) == bytes { return }
    try DurableFile.replace(statePath, with: bytes)
  }

  private func folder(_ name: VersionName, isArchived: Bool) -> String {
    "\(path)/\(isArchived ? "archive" : "active")/\(name)"
  }
}
