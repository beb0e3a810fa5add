import Market

/// Reads the words after a verb. `--name value` and `--name=value` are the same; after `--` nothing is an option.
struct ArgumentParser {
  private let verb: any Verb
  private var positionals: [String] = []
  private var values: [String: String] = [:]
  private var flags: Set<String> = []

  static func parse(_ words: [String], for verb: any Verb) throws(UsageError) -> ParsedArguments {
    var parser = ArgumentParser(verb: verb)
    try parser.read(words)
    // Help is given whatever else is wrong or missing.
    if !parser.flags.contains("--help"), !parser.flags.contains("--version") { try parser.check() }
    return ParsedArguments(positionals: parser.positionals, values: parser.values, flags: parser.flags)
  }

  private init(verb: any Verb) { self.verb = verb }

  private mutating func read(_ words: [String]) throws(UsageError) {
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        positionals += rest
        return
      }
      if word.hasPrefix("-"), word.count > 1 {
        try readOption(word, &rest)
      } else {
        positionals.append(word)
      }
    }
  }

  private mutating func readOption(_ word: String, _ rest: inout ArraySlice<String>) throws(UsageError) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard let option = verb.allOptions.first(where: { $0.name == parts[0] || $0.short == parts[0] }) else {
      throw .unknownOption(parts[0], verb: verb.name, suggestion: Suggestions.option(parts[0], of: verb))
    }
    guard option.kind != .flag else {
      if parts.count > 1 { throw .needlessValue(option: option.name) }
      flags.insert(option.name)
      return
    }
    var value = parts.count > 1 ? parts[1] : nil
    if value == nil, let next = rest.first, !next.hasPrefix("-") { value = rest.removeFirst() }
    guard let value, !value.isEmpty else {
      throw .missingValue(option: option.name, expected: option.kind.expectation)
    }
    try check(value, option.kind, name: option.name)
    guard values.updateValue(value, forKey: option.name) == nil else { throw .repeatedOption(option.name) }
  }

  private func check() throws(UsageError) {
    try checkPositionals()
    for option in verb.options where option.isRequired && values[option.name] == nil {
      throw .missingOption("\(option.name) \(option.kind.placeholder)", verb: verb.name)
    }
    if flags.isSuperset(of: ["--quiet", "--verbose"]) {
      throw .contradiction("--quiet and --verbose exclude each other")
    }
    if let from = values["--from"], let to = values["--to"], let start = Timestamp(from), let end = Timestamp(to),
      start >= end
    {
      throw .emptyRange(from: from, to: to)
    }
  }

  private func checkPositionals() throws(UsageError) {
    var rest = positionals[...]
    for positional in verb.positionals {
      guard let first = rest.popFirst() else {
        if positional.count == .optional || positional.count == .any { continue }
        throw .missingArgument(positional.expected, verb: verb.name)
      }
      try check(first, positional.kind, name: positional.name)
      while positional.count == .many || positional.count == .any, let next = rest.popFirst() {
        try check(next, positional.kind, name: positional.name)
      }
    }
    if let extra = rest.first {
      let suggestion = verb.allOptions.map(\.name).first { $0 == "--" + extra }
      throw .unexpectedArgument(extra, verb: verb.name, suggestion: suggestion)
    }
  }

  private func check(_ value: String, _ kind: ArgumentKind, name: String) throws(UsageError) {
    guard !kind.accepts(value) else { return }
    throw .badValue(
      name: name, value: value, expected: kind.expectation, suggestion: kind.suggestion(for: value))
  }
}
