import Operations

/// One thing that `candlecast` does.
protocol Verb: Sendable {
  var name: String { get }
  /// What it does, in less than a line.
  var summary: String { get }
  /// What a user should know beyond the summary, in lines of at most 100 characters.
  var details: [String] { get }
  var positionals: [Positional] { get }
  /// Beside `Option.common`.
  var options: [Option] { get }
  /// Each starts with `candlecast`.
  var examples: [Example] { get }
  /// A run is worth a line in the log.
  var isLogged: Bool { get }
  /// It needs what `--models` names.
  var readsModels: Bool { get }
  /// Its target may be one of the tick cadence.
  var takesTickTargets: Bool { get }

  /// What its arguments say about the configuration.
  func flags(_ arguments: ParsedArguments) -> [Configuration.Flag]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode
}

struct Example: Hashable, Sendable {
  let command: String
  let meaning: String

  init(_ command: String, _ meaning: String) { (self.command, self.meaning) = (command, meaning) }
}

extension Verb {
  var details: [String] { [] }
  var positionals: [Positional] { [] }
  var options: [Option] { [] }
  var isLogged: Bool { true }
  var readsModels: Bool { false }
  var takesTickTargets: Bool { false }
  var allOptions: [Option] { options + Option.common }

  func flags(_ arguments: ParsedArguments) -> [Configuration.Flag] { arguments.configurationFlags(of: self) }
}

/// All verbs, in the order of a day's work.
enum Verbs {
  static let all: [any Verb] = [
    ImportVerb(), IngestVerb(), BackfillVerb(), RunVerb(), RecordVerb(), SimulateVerb(), GapsVerb(), StatusVerb(),
    ExportVerb(), ArchiveVerb(), FeaturesVerb(), TrainVerb(), EvaluateVerb(), PredictVerb(), ReplayVerb(),
    ExplainVerb(), ModelsVerb(), AuditVerb(), DatabaseVerb(), DoctorVerb(), ConfigVerb(), HelpVerb(),
  ]

  static func named(_ name: String) throws(UsageError) -> any Verb {
    if let verb = all.first(where: { $0.name == name }) { return verb }
    throw .unknownVerb(name, suggestion: Suggestions.verb(name))
  }
}
