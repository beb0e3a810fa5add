import Market
import Operations

/// A command line that was read and checked against its verb's declarations.
struct ParsedArguments: Equatable, Sendable {
  /// In the order given, without the dashes' options.
  let positionals: [String]
  private let values: [String: String]
  private let flags: Set<String>

  init(positionals: [String] = [], values: [String: String] = [:], flags: Set<String> = []) {
    (self.positionals, self.values, self.flags) = (positionals, values, flags)
  }

  func has(_ option: String) -> Bool { flags.contains(option) || values[option] != nil }

  func text(_ option: String) -> String? { values[option] }

  func time(_ option: String) -> Timestamp? { values[option].flatMap { Timestamp($0) } }

  func integer(_ option: String) -> Int? { values[option].flatMap { Int($0) } }

  func speed(_ option: String) -> ReplaySpeed? { values[option].flatMap(ReplaySpeed.init) }

  /// `--from` and `--to`, open ends where one is not given.
  var range: Range<Timestamp> {
    (time("--from") ?? .distantPast)..<(time("--to") ?? .distantFuture)
  }

  /// What the options say about the configuration.
  func configurationFlags(of verb: any Verb) -> [Configuration.Flag] {
    var flags = verb.allOptions.compactMap { option -> Configuration.Flag? in
      guard let key = option.knob, let text = values[option.name] else { return nil }
      return Configuration.Flag(key: key, name: option.name, text: text)
    }
    if has("--verbose") { flags.append(Configuration.Flag(key: "log.level", name: "--verbose", text: "debug")) }
    return flags
  }
}
