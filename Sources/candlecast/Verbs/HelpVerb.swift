import Operations

struct HelpVerb: Verb {
  let name = "help"
  let summary = "shows all verbs, or one with its options and examples"
  let positionals = [Positional("VERB", .text(placeholder: "VERB"), .any, "the verb to show, and its action")]
  let examples = [
    Example("candlecast help", "all verbs"), Example("candlecast help train", "one verb"),
    Example("candlecast help db backup", "one action of a verb"),
  ]

  let isLogged = false

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let text = arguments.positionals.isEmpty ? Help.overview : Help.page(of: try verb(arguments.positionals))
    context.output.present(.text(text)) { text }
    return .done
  }

  private func verb(_ words: [String]) throws(UsageError) -> any Verb {
    let (verb, rest) = try Verbs.split(words)
    if let extra = rest.first { throw .unexpectedArgument(extra, verb: name, suggestion: nil) }
    return verb
  }
}
