import Market
import Models
import Operations

struct ModelsVerb: Verb {
  let name = "models"
  let summary = "the registry: list, show, promote, roll back, archive, history"
  let details = [
    "The registered model is named bitcoin-model. Versions have the aliases latest, candidate and production for each",
    "symbol, price source and target. Promotion needs skill over the best baseline, or --force, which the journal keeps.",
  ]
  let positionals = [
    Positional("ACTION", .choice(["list", "show", "promote", "rollback", "archive", "history"]), .one, "what to do"),
    Positional("VERSION", .text(placeholder: "ALIAS|VERSION"), .optional, "of show, promote and archive"),
  ]
  let options = [
    Option("--at", .time, "history: which version was in production then"),
    Option("--force", .flag, "promote: although the gate refused"), Option.target, Option.view,
  ]
  let examples = [
    Example("candlecast models list", "all versions with aliases and scores"),
    Example("candlecast models show latest", "one card"),
    Example("candlecast models promote latest --target window-15m", "into production, if the gate lets it"),
    Example("candlecast models history --at 2024-04-01T12:00Z", "what answered at that time"),
  ]

  let readsModels = true
  let takesTickTargets = true

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let slot = RegistrySlot(context.view, context.target)
    if ["promote", "rollback", "archive"].contains(arguments.positionals[0]) { try context.requireOwnModels() }
    switch arguments.positionals[0] {
    case "show": try show(arguments, slot, context)
    case "promote": try promote(arguments, slot, context)
    case "rollback": try rollBack(slot, context)
    case "archive": try archive(arguments, slot, context)
    case "history": try history(arguments, slot, context)
    default: try list(context)
    }
    if ["promote", "rollback", "archive"].contains(arguments.positionals[0]) { context.recordModelsIfPossible() }
    return .done
  }

  private func list(_ context: CommandContext) throws {
    let state = try context.registry.state()
    let entries = try state.order.map { name in
      let record = try state.record(name)
      return (
        name: name, record: record, aliases: RegistryAlias.allCases.filter { state.version($0, record.slot) == name }
      )
    }
    context.output.present(
      [
        "model": .text(Registry.modelName),
        "versions": .array(
          entries.map { entry in
            [
              "version": .text(entry.name.description), "target": .text(entry.record.slot.target.description),
              "view": .text(entry.record.slot.view.description),
              "registered": .text(entry.record.registeredAt.description),
              "aliases": .array(entry.aliases.map { .text($0.rawValue) }),
              "archived": .boolean(entry.record.isArchived),
              "synthetic": .boolean(entry.record.facts.isSynthetic),
              "gate_passed": .boolean(entry.record.facts.gate.isPassed),
              "gate_reason": .text(entry.record.facts.gate.reason),
            ]
          }),
      ]
    ) {
      guard !entries.isEmpty else { return "\(Registry.modelName) has no versions; `candlecast train` makes one" }
      var table = Table([("version", .left), ("for", .left), ("aliases", .left), ("gate", .left)])
      for entry in entries {
        let aliases =
          entry.aliases.map(\.rawValue) + (entry.record.facts.isSynthetic ? ["synthetic"] : [])
          + (entry.record.isArchived ? ["archived"] : [])
        table.add(
          entry.name.description, entry.record.slot.description, aliases.joined(separator: ", "),
          entry.record.facts.gate.reason)
      }
      return table.text
    }
  }

  private func name(_ arguments: ParsedArguments, _ slot: RegistrySlot, _ context: CommandContext) throws -> VersionName
  {
    guard arguments.positionals.count > 1 else {
      throw CommandError(
        .wrongUsage,
        "models \(arguments.positionals[0]) needs a version or an alias; `candlecast models list` shows them")
    }
    let reference = arguments.positionals[1]
    // A full name says for which target it is.
    if let name = VersionName(reference), let record = try? context.registry.state().record(name) {
      return try context.registry.resolve(reference, record.slot)
    }
    return try context.registry.resolve(reference, slot)
  }

  private func show(_ arguments: ParsedArguments, _ slot: RegistrySlot, _ context: CommandContext) throws {
    let directory = try context.registry.directory(of: try name(arguments, slot, context))
    let card = try directory.bytes(of: VersionDirectory.File.card)
    context.output.verbatim(String(decoding: card, as: UTF8.self))
  }

  private func promote(_ arguments: ParsedArguments, _ slot: RegistrySlot, _ context: CommandContext) throws {
    let name = try name(arguments, slot, context)
    let isForced = arguments.has("--force")
    try context.registry.promote(
      name, isForced: isForced, at: context.now(), who: context.user,
      why: isForced ? "candlecast models promote --force" : "candlecast models promote")
    context.output.present(["production": .text(name.description), "forced": .boolean(isForced)]) {
      "\(name) is in production\(isForced ? ", against the gate; the journal says so" : "")"
    }
  }

  private func rollBack(_ slot: RegistrySlot, _ context: CommandContext) throws {
    let name = try context.registry.rollback(
      slot, at: context.now(), who: context.user, why: "candlecast models rollback")
    context.output.present(["production": .text(name.description)]) { "\(name) is in production again for \(slot)" }
  }

  private func archive(_ arguments: ParsedArguments, _ slot: RegistrySlot, _ context: CommandContext) throws {
    let name = try name(arguments, slot, context)
    try context.registry.archive(name, at: context.now(), who: context.user, why: "candlecast models archive")
    context.output.present(["archived": .text(name.description)]) { "\(name) is archived" }
  }

  private func history(_ arguments: ParsedArguments, _ slot: RegistrySlot, _ context: CommandContext) throws {
    if let time = arguments.time("--at") {
      let name = try context.registry.state(at: time).version(.production, slot)
      context.output.present(["at": .text(time.description), "production": JSONValue(name?.description)]) {
        name.map { "\($0) was in production for \(slot) at \(time)" }
          ?? "nothing was in production for \(slot) at \(time)"
      }
      return
    }
    let entries = try context.registry.history()
    context.output.present(
      .array(
        entries.map { entry in
          [
            "time": .text(entry.time.description), "action": .text(entry.action.rawValue),
            "version": .text(entry.version.description), "previous": JSONValue(entry.previous?.description),
            "target": .text(entry.target.description), "view": .text(entry.view.description), "who": .text(entry.who),
            "why": .text(entry.why),
          ]
        })
    ) {
      guard !entries.isEmpty else { return "nothing has happened to \(Registry.modelName) yet" }
      var table = Table([
        ("time", .left), ("action", .left), ("version", .left), ("previous", .left), ("who", .left), ("why", .left),
      ])
      for entry in entries {
        table.add(
          entry.time.description, entry.action.rawValue, entry.version.description, entry.previous?.description ?? "–",
          entry.who, entry.why)
      }
      return table.text
    }
  }
}
