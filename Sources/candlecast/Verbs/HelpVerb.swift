import Operations

struct HelpVerb: Verb {
  let name = "help"
  let summary = "shows all verbs, or one with its options and examples"
  let positionals = [Positional("VERB", .text(placeholder: "VERB"), .optional, "the verb to show")]
  let examples = [Example("candlecast help", "all verbs"), Example("candlecast help train", "one verb")]

  let isLogged = false

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let text = try arguments.positionals.first.map { Help.page(of: try Verbs.named($0)) } ?? Help.overview
    context.output.present(.text(text)) { text }
    return .done
  }
}
