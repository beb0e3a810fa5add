import Operations

/// Why a command line cannot be run.
enum UsageError: ExitCoded, Equatable {
  case unknownVerb(String, suggestion: String?)
  case optionBeforeVerb(String)
  case unknownOption(String, verb: String, suggestion: String?)
  case missingValue(option: String, expected: String)
  case needlessValue(option: String)
  case badValue(name: String, value: String, expected: String, suggestion: String?)
  case repeatedOption(String)
  case missingOption(String, verb: String)
  case missingArgument(String, verb: String)
  case unexpectedArgument(String, verb: String, suggestion: String?)
  case emptyRange(from: String, to: String)
  case contradiction(String)

  var exitCode: ExitCode { .wrongUsage }
}

extension UsageError: CustomStringConvertible {
  var description: String {
    switch self {
    case .unknownVerb(let name, let suggestion):
      "there is no verb \"\(name)\"" + Self.meant(suggestion) + Self.help("")
    case .optionBeforeVerb(let option): "the verb comes first: candlecast VERB \(option) …"
    case .unknownOption(let name, let verb, let suggestion):
      "\(verb) has no option \(name)" + Self.meant(suggestion) + Self.help(verb)
    case .missingValue(let option, let expected): "\(option) needs a value: \(expected)"
    case .needlessValue(let option): "\(option) takes no value"
    case .badValue(let name, let value, let expected, let suggestion):
      "\(name) is \"\(value.withoutPasswords)\"; expected \(expected)" + Self.meant(suggestion)
    case .repeatedOption(let name): "\(name) stands twice"
    case .missingOption(let name, let verb): "\(verb) needs \(name)" + Self.help(verb)
    case .missingArgument(let name, let verb): "\(verb) needs \(name)" + Self.help(verb)
    case .unexpectedArgument(let text, let verb, let suggestion):
      "\(verb) does not know what to do with \"\(text.withoutPasswords)\"" + Self.meant(suggestion) + Self.help(verb)
    case .emptyRange(let from, let to): "the range is empty: --from \(from) is not before --to \(to)"
    case .contradiction(let sentence): sentence
    }
  }

  private static func meant(_ suggestion: String?) -> String { suggestion.map { "; did you mean \($0)?" } ?? "" }

  private static func help(_ verb: String) -> String {
    verb.isEmpty ? " (`candlecast help` lists all verbs)" : " (`candlecast help \(verb)` shows what it takes)"
  }
}
