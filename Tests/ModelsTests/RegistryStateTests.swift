import Market
import TestSupport
import Testing

@testable import Models

struct RegistryStateTests {
  static let slot = RegistrySlot(MadeVersion.view, .direction(horizonMinutes: 15))
  static let other = RegistrySlot(MadeVersion.view, .window(lengthMinutes: 15))
  static let names = ["a", "b", "c", "d"].map { VersionName($0)! }

  static func facts(passed: Bool = true, synthetic: Bool = false) -> JournalEntry.Facts {
    .init(digest: "0", isSynthetic: synthetic, gate: GateVerdict(isPassed: passed, reason: "skill 0.1 % [−0.2, 0.4]"))
  }

  private func state(_ operations: [RegistryState.Operation]) throws -> RegistryState {
    var state = RegistryState()
    for (index, operation) in operations.enumerated() {
      let entry = try state.entry(for: operation, at: Timestamp(minute: Int64(index)), who: "test", why: "")
      try state.apply(entry)
    }
    return state
  }

  @Test func `the last registered is latest, the last that passed is candidate`() throws {
    let names = Self.names
    let state = try state([
      .register(names[0], Self.slot, Self.facts()), .register(names[1], Self.slot, Self.facts(passed: false)),
      .register(names[2], Self.other, Self.facts()),
    ])
    #expect(state.version(.latest, Self.slot) == names[1])
    #expect(state.version(.candidate, Self.slot) == names[0])
    #expect(state.version(.production, Self.slot) == nil)
    #expect(state.version(.latest, Self.other) == names[2])
  }

  @Test func `rolling back walks through what was in production`() throws {
    let names = Self.names
    let before: [RegistryState.Operation] =
      names.prefix(3).map { .register($0, Self.slot, Self.facts()) }
      + names.prefix(3).map { .promote($0, isForced: false) }
    #expect(try state(before).version(.production, Self.slot) == names[2])
    #expect(try state(before + [.rollback(Self.slot)]).version(.production, Self.slot) == names[1])
    let twice = try state(before + [.rollback(Self.slot), .rollback(Self.slot)])
    #expect(twice.version(.production, Self.slot) == names[0])
    #expect(throws: RegistryError.nothingToRollBackTo(slot: Self.slot)) {
      try twice.entry(for: .rollback(Self.slot), at: Timestamp(minute: 99), who: "", why: "")
    }
  }

  @Test func `a refused gate needs force, and nothing promotes what is synthetic`() throws {
    let names = Self.names
    let state = try state([
      .register(names[0], Self.slot, Self.facts(passed: false)),
      .register(names[1], Self.slot, Self.facts(synthetic: true)),
    ])
    func entry(_ operation: RegistryState.Operation) throws -> JournalEntry {
      try state.entry(for: operation, at: Timestamp(minute: 9), who: "", why: "")
    }
    #expect(throws: RegistryError.gateRefused(names[0], reason: "skill 0.1 % [−0.2, 0.4]")) {
      try entry(.promote(names[0], isForced: false))
    }
    #expect(try entry(.promote(names[0], isForced: true)).action == .force)
    for isForced in [false, true] {
      #expect(throws: RegistryError.synthetic(names[1])) { try entry(.promote(names[1], isForced: isForced)) }
    }
    #expect(state.version(.candidate, Self.slot) == nil)
  }

  @Test func `an archived version loses its aliases and can be neither promoted nor rolled back to`() throws {
    let names = Self.names
    let state = try state(
      names.prefix(3).map { .register($0, Self.slot, Self.facts()) } + [
        .promote(names[0], isForced: false), .promote(names[1], isForced: false), .promote(names[0], isForced: false),
        .makeCandidate(names[1]), .archive(names[1]), .archive(names[2]),
      ])
    #expect(state.version(.latest, Self.slot) == names[0])
    #expect(state.version(.candidate, Self.slot) == nil)
    for operation in [RegistryState.Operation.promote(names[1], isForced: true), .makeCandidate(names[1])] {
      #expect(throws: RegistryError.archived(names[1])) {
        try state.entry(for: operation, at: Timestamp(minute: 99), who: "", why: "")
      }
    }
    #expect(throws: RegistryError.inProduction(names[0])) {
      try state.entry(for: .archive(names[0]), at: Timestamp(minute: 99), who: "", why: "")
    }
    #expect(throws: RegistryError.nothingToRollBackTo(slot: Self.slot)) {
      try state.entry(for: .rollback(Self.slot), at: Timestamp(minute: 99), who: "", why: "")
    }
  }

  @Test func `times of the journal never go back`() throws {
    var state = try state([.register(Self.names[0], Self.slot, Self.facts())])
    let first = try state.entry(
      for: .promote(Self.names[0], isForced: false), at: Timestamp(minute: 100), who: "", why: "")
    try state.apply(first)
    let second = try state.entry(for: .makeCandidate(Self.names[0]), at: Timestamp(minute: 50), who: "", why: "")
    #expect(second.time == Timestamp(minute: 100))
  }

  @Test(arguments: 0..<100)
  func `whatever is asked, folding the journal gives the same state and the rules hold`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    var state = RegistryState()
    var journal: [JournalEntry] = []
    for step in 0..<60 {
      let name = Self.names.randomElement(using: &generator)!
      let slot = name < Self.names[3] ? Self.slot : Self.other
      let operation: RegistryState.Operation =
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: .register(name, slot, Self.facts(passed: seed.isMultiple(of: 2), synthetic: name == Self.names[2]))
        case 1: .promote(name, isForced: Bool.random(using: &generator))
        case 2: .rollback(slot)
        case 3: .archive(name)
        default: .makeCandidate(name)
        }
      guard
        let entry = try? state.entry(for: operation, at: Timestamp(minute: Int64(step)), who: "x", why: "y")
      else { continue }
      try state.apply(entry)
      journal.append(entry)
      for (slot, aliases) in state.aliases {
        for alias in RegistryAlias.allCases {
          guard let name = aliases[alias] else { continue }
          let record = try state.record(name)
          #expect(record.slot == slot && !record.isArchived)
          if alias == .production { #expect(!record.facts.isSynthetic) }
        }
      }
    }
    #expect(try RegistryState(journal) == state)
    for (index, entry) in journal.enumerated() {
      let line = try StableJSON.encode(entry, isPretty: false)
      #expect(line.filter { $0 == UInt8(ascii: "\n") }.count == 1, "line \(index)")
      #expect(try StableJSON.decode(JournalEntry.self, from: line) == entry)
    }
  }

  @Test(arguments: ["", "Latest", "latest", "production", "../x", ".hidden", "a/b", "-x", "ä", "a b"])
  func `names that could mislead are refused`(text: String) {
    #expect(VersionName(text) == nil)
  }
}
