import FoundationEssentials
import Market
import TestSupport
import Testing

@testable import Models

struct RegistryTests {
  private let folder: TemporaryFolder
  private let registry: Registry
  private let slot = RegistrySlot(MadeVersion.view, .window(lengthMinutes: 15))

  init() throws {
    folder = try TemporaryFolder()
    registry = Registry(path: folder.path + "/models")
  }

  private func minute(_ minute: Int64) -> Timestamp { Timestamp(minute: minute) }

  @discardableResult
  private func register(
    _ name: String, at time: Int64, passed: Bool = true, synthetic: Bool = false, view: MarketView = MadeVersion.view
  ) throws -> VersionName {
    let made = MadeVersion(
      name: name, view: view, treeCount: 2, depth: 2, isSynthetic: synthetic,
      gate: GateVerdict(isPassed: passed, reason: "skill not above zero"))
    let staged = try made.write(in: folder.path + "/staging")
    return try registry.register(staged: staged, at: minute(time), who: "test", why: "trained")
  }

  private func file(_ name: String) -> URL { URL(filePath: registry.path + "/" + name) }

  @Test func `a registry that was never used is empty`() throws {
    #expect(try registry.state() == RegistryState())
    #expect(try registry.serving(slot) == .baseline)
    #expect(throws: RegistryError.noAlias(.production, slot: slot)) { try registry.resolve("production", slot) }
  }

  @Test func `register, promote, roll back, and ask what was in production when`() throws {
    let a = try register("a", at: 10, passed: false)
    #expect(try registry.serving(slot) == .unpromoted(a, reason: "skill not above zero"))
    #expect(throws: RegistryError.gateRefused(a, reason: "skill not above zero")) {
      try registry.promote(a, at: minute(11), who: "test", why: "")
    }
    try registry.promote(a, isForced: true, at: minute(20), who: "test", why: "to see")
    let b = try register("b", at: 30)
    try registry.promote(b, at: minute(40), who: "test", why: "better")
    #expect(try registry.rollback(slot, at: minute(50), who: "test", why: "worse") == a)
    #expect(try registry.history().map(\.action) == [.register, .force, .register, .promote, .rollback])
    let production = try [15, 20, 39, 40, 49, 50, 99].map { time in
      try registry.state(at: minute(time)).version(.production, slot)?.description
    }
    #expect(production == [nil, "a", "a", "b", "b", "a", "a"])
    #expect(try registry.resolve("latest", slot) == b)
    #expect(try registry.directory(of: b).card().name == b)
    #expect(try registry.strayFolders().isEmpty)
  }

  private static let views = [
    "sim-chainlink:BTC/USD+binance:BTCUSDT", "chainlink:BTC/USD+sim-binance:BTCUSDT", "sim-binance:BTCUSDT",
  ]

  @Test(arguments: views)
  func `a version for a simulator's view is synthetic, serves there alone and is never promoted`(text: String) throws {
    let view = try #require(MarketView(text))
    let real = try #require(MarketView(text.replacing("sim-", with: "")))
    // The card does not say so; its view does.
    let name = try register("a", at: 1, view: view)
    let mine = RegistrySlot(view, slot.target)
    #expect(try registry.state().record(name).facts.isSynthetic)
    #expect(try registry.serving(mine) == .unpromoted(name, reason: "trained on synthetic data"))
    #expect(try registry.resolve("latest", mine) == name)
    #expect(try registry.serving(RegistrySlot(real, slot.target)) == .baseline)
    #expect(throws: RegistryError.otherSlot(name, actual: mine, wanted: RegistrySlot(real, slot.target))) {
      try registry.resolve("a", RegistrySlot(real, slot.target))
    }
    for isForced in [false, true] {
      let refusal = #expect(throws: RegistryError.synthetic(name)) {
        try registry.promote(name, isForced: isForced, at: minute(2), who: "test", why: "")
      }
      #expect(refusal?.exitCode == 1)
    }
    #expect(try registry.state().version(.production, mine) == nil)
    #expect(try registry.state().version(.candidate, mine) == nil)
  }

  @Test func `what was learnt from made-up data does not answer for a real view`() throws {
    try register("a", at: 1, synthetic: true)
    #expect(try registry.serving(slot) == .baseline)
  }

  @Test func `references that mean nothing here are refused with the reason`() throws {
    let a = try register("a", at: 1)
    #expect(throws: RegistryError.badReference("A B")) { try registry.resolve("A B", slot) }
    #expect(throws: RegistryError.unknownVersion(VersionName("zzz")!)) { try registry.resolve("zzz", slot) }
    let other = RegistrySlot(MadeVersion.view, .direction(horizonMinutes: 5))
    #expect(throws: RegistryError.otherSlot(a, actual: slot, wanted: other)) { try registry.resolve("a", other) }
    #expect(throws: RegistryError.alreadyRegistered(a)) { try register("a", at: 2) }
    #expect(try registry.directory(of: a).has("card.json"))
  }

  @Test func `an archived version moves and can still be read`() throws {
    try register("a", at: 1)
    let b = try register("b", at: 2)
    try registry.archive(b, at: minute(3), who: "test", why: "old")
    #expect(try registry.directory(of: b).path.hasSuffix("/archive/b"))
    #expect(try registry.resolve("latest", slot) == VersionName("a"))
  }

  @Test func `a version whose files were exchanged is not served or promoted`() throws {
    let a = try register("a", at: 1)
    let path = registry.path + "/active/a"
    try FileManager.default.removeItem(atPath: path)
    try MadeVersion(name: "a", treeCount: 3, depth: 2).write(in: registry.path + "/active")
    #expect { try registry.directory(of: a) } throws: { error in
      if case .differs = error as? RegistryError { true } else { false }
    }
    #expect(throws: RegistryError.self) { try registry.promote(a, at: minute(2), who: "", why: "") }
  }

  @Test func `after a crash between journal and state the next operation heals`() throws {
    try register("a", at: 1)
    let old = try Data(contentsOf: file("registry.json"))
    let b = try register("b", at: 2)
    try old.write(to: file("registry.json"))
    #expect(try registry.resolve("latest", slot) == b)
    try registry.makeCandidate(b, at: minute(3), who: "", why: "")
    #expect(try Data(contentsOf: file("registry.json")) != old)
    try FileManager.default.removeItem(at: file("registry.json"))
    #expect(try registry.resolve("latest", slot) == b)
  }

  @Test func `a line that was torn by a crash counts as never written`() throws {
    let a = try register("a", at: 1)
    let whole = try Data(contentsOf: file("journal.jsonl"))
    try (whole + whole.prefix(whole.count / 2)).write(to: file("journal.jsonl"))
    #expect(try registry.history().count == 1)
    try registry.promote(a, at: minute(2), who: "", why: "")
    #expect(try registry.history().map(\.action) == [.register, .promote])
    #expect(try Data(contentsOf: file("journal.jsonl")).starts(with: whole))
  }

  @Test func `after a crash between journal and move the next operation moves the folder`() throws {
    let a = try register("a", at: 1)
    let b = try register("b", at: 2)
    try registry.archive(b, at: minute(3), who: "", why: "")
    try FileManager.default.moveItem(atPath: registry.path + "/archive/b", toPath: registry.path + "/active/b")
    try registry.promote(a, at: minute(4), who: "", why: "")
    #expect(try registry.directory(of: b).path.hasSuffix("/archive/b"))
  }

  @Test func `a folder left by an interrupted registration is reported and replaced`() throws {
    try MadeVersion(name: "a", treeCount: 1, depth: 1).write(in: registry.path + "/active")
    #expect(try registry.strayFolders() == ["a"])
    let a = try register("a", at: 1)
    #expect(try registry.strayFolders().isEmpty)
    #expect(try registry.directory(of: a).card().name == a)
  }

  @Test func `damage is refused and named, not healed`() throws {
    try register("a", at: 1)
    try register("b", at: 2)
    let journal = try Data(contentsOf: file("journal.jsonl"))
    let state = try Data(contentsOf: file("registry.json"))
    func expectDamage(_ name: String, _ data: Data, line: Int?) throws {
      let before = try Data(contentsOf: file(name))
      try data.write(to: file(name))
      #expect { try registry.state() } throws: { error in
        guard case .damaged(let path, let where_, _) = error as? RegistryError else { return false }
        return path.hasSuffix(name) && where_ == line
      }
      #expect(throws: RegistryError.self) {
        try registry.makeCandidate(VersionName("b")!, at: minute(3), who: "", why: "")
      }
      #expect(try Data(contentsOf: file(name)) == data)
      try before.write(to: file(name))
    }
    let firstLine = journal.prefix(through: journal.firstIndex(of: 10)!)
    try expectDamage("journal.jsonl", Data("nonsense\n".utf8) + journal, line: 1)
    try expectDamage("journal.jsonl", journal + firstLine, line: 3)
    try expectDamage("registry.json", Data("{}".utf8), line: nil)
    try expectDamage(
      "registry.json", Data(String(decoding: state, as: UTF8.self).replacing("\"b\"", with: "\"a\"").utf8), line: nil)
    try firstLine.write(to: file("journal.jsonl"))
    #expect {
      try registry.state()
    } throws: { error in
      if case .damaged(let path, nil, let reason) = error as? RegistryError {
        path.hasSuffix("registry.json") && reason.contains("cut")
      } else {
        false
      }
    }
  }

  @Test(arguments: 0..<150)
  func `a mutated registry is refused or read, and never traps`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    try Self.template.get().copy(to: registry.path)
    let name = Bool.random(using: &generator) ? "journal.jsonl" : "registry.json"
    var data = try Data(contentsOf: file(name))
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      data[Int.random(in: 0..<data.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
    }
    if seed.isMultiple(of: 4) { data = data.prefix(Int.random(in: 0..<data.count, using: &generator)) }
    try data.write(to: file(name))
    guard let state = try? registry.state() else { return }
    #expect(state.order.count <= 2)
  }

  @Test func `two changes at once wait for each other, and none is lost`() async throws {
    let a = try register("a", at: 1)
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<8 {
        group.addTask { [registry] in
          try? registry.makeCandidate(a, at: Timestamp(minute: 2), who: "task \(index)", why: "")
        }
      }
    }
    #expect(try registry.history().count == 9)
  }

  @Test func `a registry that someone else holds is refused after a while`() throws {
    let a = try register("a", at: 1)
    let lock = try RegistryLock(registry.path + "/lock", patienceMilliseconds: 0)
    let impatient = Registry(path: registry.path, patienceMilliseconds: 20)
    #expect(throws: RegistryError.locked(path: registry.path + "/lock")) {
      try impatient.makeCandidate(a, at: minute(2), who: "", why: "")
    }
    _ = consume lock
    try registry.makeCandidate(a, at: minute(2), who: "", why: "")
  }

  /// The files of a registry with two versions, made once.
  private struct Template {
    let journal: [UInt8]
    let state: [UInt8]

    init() throws {
      let folder = try TemporaryFolder()
      let registry = Registry(path: folder.path)
      for name in ["a", "b"] {
        let staged = try MadeVersion(name: name, treeCount: 1, depth: 1).write(in: folder.path + "/staging")
        try registry.register(staged: staged, at: Timestamp(minute: 1), who: "test", why: "")
      }
      journal = try DurableFile.read(folder.path + "/journal.jsonl", atMost: 1 << 20)
      state = try DurableFile.read(folder.path + "/registry.json", atMost: 1 << 20)
    }

    func copy(to path: String) throws {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try DurableFile.create(path + "/journal.jsonl", journal)
      try DurableFile.create(path + "/registry.json", state)
    }
  }

  private static let template = Result { try Template() }
}
