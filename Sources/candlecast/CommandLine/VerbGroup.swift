import Operations

/// A verb with actions, each of which is a verb of its own: `candlecast db backup`.
protocol VerbGroup: Verb {
  var actions: [any Verb] { get }
}

extension VerbGroup {
  var examples: [Example] { actions.compactMap(\.examples.first) }
  var isLogged: Bool { false }

  /// It stands alone; none of its actions was named.
  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    throw UsageError.missingArgument("one of " + actionWords.joined(separator: ", "), verb: name)
  }

  /// `db backup` is the action `backup` of `db`.
  fileprivate var actionWords: [String] { actions.map { String($0.name.dropFirst(name.count + 1)) } }

  fileprivate func action(_ word: String) throws(UsageError) -> any Verb {
    if let action = actions.first(where: { $0.name == "\(name) \(word)" }) { return action }
    let suggestion = Suggestion.nearest(to: word, among: actionWords).map { "\(name) \($0)" }
    throw .unknownVerb("\(name) \(word)", suggestion: suggestion)
  }
}

extension Verbs {
  /// Every verb that does something, the actions of groups among them.
  static var leaves: [any Verb] { all.flatMap { ($0 as? any VerbGroup)?.actions ?? [$0] } }

  /// The verb that a command line begins with, and the words after it.
  static func split(_ words: [String]) throws(UsageError) -> (verb: any Verb, rest: [String]) {
    let verb = try named(words.first ?? "")
    let rest = Array(words.dropFirst())
    guard let group = verb as? any VerbGroup, let word = rest.first, !word.hasPrefix("-") else { return (verb, rest) }
    return (try group.action(word), Array(rest.dropFirst()))
  }
}
