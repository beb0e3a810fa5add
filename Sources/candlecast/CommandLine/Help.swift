/// What `--help` prints.
enum Help {
  static let version = "0.1.0"

  static var overview: String {
    var lines = [
      "candlecast: imports Bitcoin candles, trains without leakage, predicts up or down with calibrated probabilities",
      "",
      "usage: candlecast VERB [options]", "", "verbs",
    ]
    lines += columns(Verbs.all.map { ($0.name, $0.summary) })
    lines += [
      "", "`candlecast help VERB` shows its options and examples.",
      "Times are ISO 8601 or Unix milliseconds, in UTC; ranges include --from and exclude --to.",
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 bad data or a corrupt store, 4 something needed is not reachable.",
    ]
    return lines.joined(separator: "\n")
  }

  static func page(of verb: any Verb) -> String {
    var lines = ["candlecast \(verb.name): \(verb.summary)", "", "usage: \(usage(of: verb))"]
    if !verb.details.isEmpty { lines += [""] + verb.details }
    if let group = verb as? any VerbGroup {
      lines += ["", "actions"] + columns(group.actions.map { ($0.name, $0.summary) })
      lines += ["", "`candlecast help \(verb.name) ACTION` shows the options and examples of one."]
    }
    if !verb.positionals.isEmpty {
      lines += ["", "arguments"] + columns(verb.positionals.map { ($0.display, $0.summary) })
    }
    if !verb.options.isEmpty { lines += ["", "options"] + columns(verb.options.map { ($0.display, $0.summary) }) }
    lines += ["", "options of every verb"] + columns(Option.common.map { ($0.display, $0.summary) })
    lines += ["", "examples"]
    for example in verb.examples { lines += ["  # \(example.meaning)", "  \(example.command)"] }
    return lines.joined(separator: "\n")
  }

  private static func usage(of verb: any Verb) -> String {
    if verb is any VerbGroup { return "candlecast \(verb.name) ACTION [options]" }
    let arguments = verb.positionals.map { $0.count == .optional || $0.count == .any ? "[\($0.display)]" : $0.display }
    let required = verb.options.filter(\.isRequired).map(\.display)
    return (["candlecast", verb.name] + arguments + required + ["[options]"]).joined(separator: " ")
  }

  private static func columns(_ rows: [(String, String)]) -> [String] {
    let width = min(28, rows.map(\.0.count).max() ?? 0)
    return rows.flatMap { row in columns(name: row.0, text: row.1, width: width) }
  }

  /// Two lines where the name is too long.
  private static func columns(name: String, text: String, width: Int) -> [String] {
    let indent = String(repeating: " ", count: width + 4)
    guard name.count <= width else { return ["  " + name, indent + text] }
    return ["  " + name + indent.dropFirst(name.count + 2) + text]
  }
}

extension Option {
  /// `-q, --quiet`, `--as-of TIME`.
  var display: String {
    [short.map { "\($0), \(name)" } ?? name, kind.placeholder].filter { !$0.isEmpty }.joined(separator: " ")
  }
}

extension Positional {
  var display: String {
    let word = if case .choice = kind { kind.placeholder } else { name }
    return count == .many || count == .any ? word + "…" : word
  }

  /// To say after "needs".
  var expected: String {
    if case .choice = kind { return "\(name): \(kind.expectation)" }
    return count == .many ? "at least one \(name)" : name
  }
}
