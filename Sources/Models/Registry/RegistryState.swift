package import Market

/// All versions and aliases: a fold over the journal. Knows no files and no clock.
package struct RegistryState: Sendable, Hashable {
  package struct Record: Sendable, Hashable {
    package let slot: RegistrySlot
    package let registeredAt: Timestamp
    package let facts: JournalEntry.Facts
    package fileprivate(set) var isArchived = false
  }

  package struct Aliases: Sendable, Hashable {
    package fileprivate(set) var latest: VersionName?
    package fileprivate(set) var candidate: VersionName?
    /// Versions that were in production and can be again, the present one last.
    fileprivate var productions: [VersionName] = []

    package var production: VersionName? { productions.last }

    package subscript(alias: RegistryAlias) -> VersionName? {
      switch alias {
      case .latest: latest
      case .candidate: candidate
      case .production: production
      }
    }
  }

  package enum Operation: Sendable, Hashable {
    case register(VersionName, RegistrySlot, JournalEntry.Facts)
    case makeCandidate(VersionName)
    case promote(VersionName, isForced: Bool)
    case rollback(RegistrySlot)
    case archive(VersionName)
  }

  /// In the order of registration.
  package private(set) var order: [VersionName] = []
  package private(set) var versions: [VersionName: Record] = [:]
  package private(set) var aliases: [RegistrySlot: Aliases] = [:]
  private var lastTime = Timestamp.distantPast

  package init() {}

  /// The state after these entries.
  package init(_ journal: some Sequence<JournalEntry>) throws(RegistryError) {
    for entry in journal { try apply(entry) }
  }

  package func version(_ alias: RegistryAlias, _ slot: RegistrySlot) -> VersionName? { aliases[slot]?[alias] }

  func version(_ reference: ModelReference, _ slot: RegistrySlot) throws(RegistryError) -> VersionName? {
    switch reference {
    case .alias(.production): break
    case .alias(let alias): return version(alias, slot)
    case .version(let name): if try record(name).slot == slot { return name }
    }
    return version(.production, slot) ?? version(.latest, slot)
  }

  /// The journal's line for an operation, or why it is refused.
  ///
  /// Times of the journal do not go back: after a clock was set back, entries carry the last time until it is passed.
  package func entry(
    for operation: Operation, at time: Timestamp, who: String, why: String
  ) throws(RegistryError) -> JournalEntry {
    let time = max(time, lastTime)
    func entry(
      _ action: JournalEntry.Action, _ version: VersionName, _ slot: RegistrySlot, _ alias: RegistryAlias?,
      facts: JournalEntry.Facts? = nil
    ) -> JournalEntry {
      JournalEntry(
        time: time, action: action, view: slot.view, target: slot.target, version: version,
        previous: alias.flatMap { self.version($0, slot) }, who: who, why: why, registered: facts)
    }
    let result: JournalEntry
    switch operation {
    case .register(let name, let slot, let facts): result = entry(.register, name, slot, .latest, facts: facts)
    case .makeCandidate(let name): result = entry(.alias, name, try record(name).slot, .candidate)
    case .promote(let name, let isForced):
      let record = try record(name)
      let action: JournalEntry.Action = isForced && !record.facts.gate.isPassed ? .force : .promote
      result = entry(action, name, record.slot, .production)
    case .rollback(let slot):
      guard let earlier = aliases[slot]?.productions.dropLast().last else { throw .nothingToRollBackTo(slot: slot) }
      result = entry(.rollback, earlier, slot, .production)
    case .archive(let name): result = entry(.archive, name, try record(name).slot, nil)
    }
    var copy = self
    try copy.apply(result)
    return result
  }

  /// Checks the entry against the state, as every line of a file must be, and takes it in.
  package mutating func apply(_ entry: JournalEntry) throws(RegistryError) {
    guard entry.time >= lastTime else { throw inconsistent(entry, "its time is before that of the line above") }
    guard entry.previous == previous(entry) else { throw inconsistent(entry, "it names another previous version") }
    switch entry.action {
    case .register: try register(entry)
    case .alias:
      let name = try usable(entry)
      aliases[entry.slot]?.candidate = name
    case .promote: try promote(entry, isForced: false)
    case .force: try promote(entry, isForced: true)
    case .rollback: try rollBack(entry)
    case .archive: try archive(entry)
    }
    lastTime = entry.time
  }

  private func previous(_ entry: JournalEntry) -> VersionName? {
    switch entry.action {
    case .register: version(.latest, entry.slot)
    case .alias: version(.candidate, entry.slot)
    case .promote, .force, .rollback: version(.production, entry.slot)
    case .archive: nil
    }
  }

  private mutating func register(_ entry: JournalEntry) throws(RegistryError) {
    guard versions[entry.version] == nil else { throw .alreadyRegistered(entry.version) }
    guard let facts = entry.registered else { throw inconsistent(entry, "it lacks the version's facts") }
    versions[entry.version] = Record(slot: entry.slot, registeredAt: entry.time, facts: facts)
    order.append(entry.version)
    aliases[entry.slot, default: Aliases()].latest = entry.version
    if facts.gate.isPassed, !facts.isSynthetic { aliases[entry.slot]?.candidate = entry.version }
  }

  private mutating func promote(_ entry: JournalEntry, isForced: Bool) throws(RegistryError) {
    let name = try usable(entry)
    let facts = try record(name).facts
    guard !facts.isSynthetic, !entry.view.isSimulated else { throw .synthetic(name) }
    guard isForced || facts.gate.isPassed else { throw .gateRefused(name, reason: facts.gate.reason) }
    guard version(.production, entry.slot) != name else { throw .alreadyInProduction(name) }
    aliases[entry.slot]?.productions.append(name)
  }

  private mutating func rollBack(_ entry: JournalEntry) throws(RegistryError) {
    let name = try usable(entry)
    guard aliases[entry.slot]?.productions.dropLast().last == name else {
      throw inconsistent(entry, "that version was not in production before")
    }
    aliases[entry.slot]?.productions.removeLast()
  }

  private mutating func archive(_ entry: JournalEntry) throws(RegistryError) {
    let name = try usable(entry)
    let slot = entry.slot
    guard version(.production, slot) != name else { throw .inProduction(name) }
    versions[name]?.isArchived = true
    var after = aliases[slot] ?? Aliases()
    after.productions = Self.withoutRepeats(after.productions.filter { $0 != name })
    after.latest = order.last { versions[$0]?.slot == slot && versions[$0]?.isArchived == false }
    if after.candidate == name { after.candidate = nil }
    aliases[slot] = after
  }

  /// With B gone, A → B → A is no step back any more.
  private static func withoutRepeats(_ names: [VersionName]) -> [VersionName] {
    names.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
  }

  package func record(_ name: VersionName) throws(RegistryError) -> Record {
    guard let record = versions[name] else { throw .unknownVersion(name) }
    return record
  }

  private func usable(_ entry: JournalEntry) throws(RegistryError) -> VersionName {
    let record = try record(entry.version)
    guard record.slot == entry.slot else {
      throw .otherSlot(entry.version, actual: record.slot, wanted: entry.slot)
    }
    guard !record.isArchived else { throw .archived(entry.version) }
    return entry.version
  }

  private func inconsistent(_ entry: JournalEntry, _ reason: String) -> RegistryError {
    .damaged(file: "journal", line: nil, reason: "\(entry.action.rawValue) of \(entry.version): \(reason)")
  }
}
