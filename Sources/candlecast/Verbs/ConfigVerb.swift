import Operations

struct ConfigVerb: Verb {
  let name = "config"
  let summary = "prints every knob with its value and where the value came from"
  let details = [
    "Options override the environment, which overrides candlecast.yaml, which overrides the defaults. Secrets are hidden.",
    "A knob that nothing reads yet, or that means something else here, says so.",
  ]
  let options = [Option("--example", .flag, "print a commented candlecast.yaml with every knob at its default")]
  let examples = [
    Example("candlecast config", "what holds now"),
    Example("candlecast config --example", "a file to start from"),
    Example("candlecast config --config production.yaml --json", "another file, for a program"),
  ]

  let isLogged = false

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    if arguments.has("--example") {
      context.output.present(.text(ConfigurationExample.text)) { String(ConfigurationExample.text.dropLast()) }
      return .done
    }
    let entries = context.configuration.entries
    context.output.present(.array(entries.map(Self.json))) { Self.table(entries).text }
    return .done
  }

  private static func table(_ entries: [Configuration.Entry]) -> Table {
    var table = Table([("knob", .left), ("value", .left), ("from", .left), ("known as", .left), ("note", .left)])
    for entry in entries {
      let names = entry.knob.seedNames.map(\.name).joined(separator: ", ")
      table.add(entry.knob.key, shown(entry), "\(entry.source)", names, note(entry.knob) ?? "")
    }
    return table
  }

  private static func shown(_ entry: Configuration.Entry) -> String {
    guard let text = entry.shown else { return "(not set)" }
    return entry.knob.unit.map { ["UTC", "probability", "fraction"].contains($0) ? text : "\(text) \($0)" } ?? text
  }

  private static func note(_ knob: Knob) -> String? {
    switch knob.status {
    case .used: nil
    case .notUsedYet: "not used yet"
    case .differs(let what): "changes nothing: \(what)"
    }
  }

  private static func json(_ entry: Configuration.Entry) -> JSONValue {
    let status =
      switch entry.knob.status {
      case .used: "used"
      case .notUsedYet: "not used yet"
      case .differs: "differs"
      }
    return [
      "key": .text(entry.knob.key),
      "value": entry.shownJSON,
      "source": .text("\(entry.source)"),
      "default": JSONValue(entry.knob.preset),
      "unit": JSONValue(entry.knob.unit),
      "environment": .text(entry.knob.environmentName),
      "known_as": .array(entry.knob.seedNames.map { .text($0.name) }),
      "status": .text(status),
      "note": JSONValue(note(entry.knob)),
      "summary": .text(entry.knob.summary),
    ]
  }
}
