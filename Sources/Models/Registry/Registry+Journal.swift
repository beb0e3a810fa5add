internal import Market

/// Reading the journal, and making the other files follow it.
extension Registry {
  struct Journal {
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

  func load() throws(RegistryError) -> Journal {
    // The state first: an operation in between then leaves it behind the journal, as a crash would, and not ahead.
    let file = try loadFile()
    var journal = Journal()
    if DurableFile.exists(journalPath) {
      let bytes = try read(journalPath)
      journal.wholeLength = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
      journal.hasTornLine = journal.wholeLength < bytes.count
      let lines = bytes[..<journal.wholeLength].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      for (index, line) in lines.dropLast().enumerated() { try take(line, number: index + 1, into: &journal) }
    }
    if let file { try compare(file, journal) }
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

  private func loadFile() throws(RegistryError) -> RegistryFile? {
    guard DurableFile.exists(statePath) else { return nil }
    do {
      return try StableJSON.decode(RegistryFile.self, from: try read(statePath))
    } catch let error as RegistryError {
      throw error
    } catch {
      throw .damaged(
        file: statePath, line: nil, reason: "\(StableJSON.reason(error)); remove it, the journal restores it")
    }
  }

  /// `registry.json` may be behind the journal after a crash, never ahead of it or beside it.
  private func compare(_ file: RegistryFile, _ journal: Journal) throws(RegistryError) {
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
      return try DurableFile.read(path, atMost: 64 << 20)
    } catch {
      throw .file(error)
    }
  }

  /// Finishes what a crash left undone. A torn line was never acknowledged: it goes.
  func heal(_ journal: Journal) throws {
    if journal.hasTornLine { try DurableFile.truncate(journalPath, to: journal.wholeLength) }
    try settle(journal)
  }

  /// Brings `registry.json` and the folders to what the journal says.
  func settle(_ journal: Journal) throws {
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

  func folder(_ name: VersionName, isArchived: Bool) -> String {
    "\(path)/\(isArchived ? "archive" : "active")/\(name)"
  }
}
