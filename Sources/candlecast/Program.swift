import Archive
import Cloud
import Dataset
import Ingestion
import Market
import Models
import Operations
import Platform
import Settlement
import Storage

/// A run of the command, from words to exit code.
struct Program: Sendable {
  let environment: [String: String]
  /// Results.
  let output: @Sendable (String) -> Void
  /// Errors, warnings and the log.
  let error: @Sendable (String) -> Void

  func run(_ words: [String]) -> ExitCode {
    do {
      return try dispatch(words)
    } catch {
      self.error("candlecast: \(error)\n")
      return Self.exitCode(of: error)
    }
  }

  static func exitCode(of error: any Error) -> ExitCode {
    switch error {
    case let error as any ExitCoded: error.exitCode
    case is ConfigurationError: .wrongUsage
    case let error as StoreError: ExitCode(rawValue: error.exitCode) ?? .failed
    case let error as TransferError: ExitCode(rawValue: error.exitCode) ?? .failed
    case let error as ImportError: ExitCode(rawValue: error.exitCode) ?? .failed
    case let error as RegistryError: ExitCode(rawValue: error.exitCode) ?? .failed
    case let error as ArchiveError: ExitCode(rawValue: error.exitCode) ?? .failed
    case let error as AvroError: ExitCode(rawValue: error.exitCode) ?? .failed
    case CloudError.invalid: .wrongUsage
    case is CloudError, is CloudSettingsError: .unreachable
    case is DatasetError, is VersionError, is SettlementError: .badData
    case is ChildProcessError: .unreachable
    default: .failed
    }
  }

  private func dispatch(_ words: [String]) throws -> ExitCode {
    guard let first = words.first, first != "--help", first != "-h" else {
      output(Help.overview + "\n")
      return words.isEmpty ? .wrongUsage : .done
    }
    if first == "--version" { return printVersion() }
    if first.hasPrefix("-") { throw UsageError.optionBeforeVerb(first) }
    let (verb, rest) = try Verbs.split(words)
    let arguments = try ArgumentParser.parse(rest, for: verb)
    if arguments.has("--help") {
      output(Help.page(of: verb) + "\n")
      return .done
    }
    if arguments.has("--version") { return printVersion() }
    return try run(verb, arguments)
  }

  private func printVersion() -> ExitCode {
    output("candlecast \(Help.version)\n")
    return .done
  }

  private func run(_ verb: any Verb, _ arguments: ParsedArguments) throws -> ExitCode {
    let configuration = try ConfigurationFiles.load(
      path: arguments.text("--config"), environment: environment, flags: verb.flags(arguments))
    _ = try StoreChoice(configuration).location()
    try requireFittingTarget(verb, configuration)
    var context = CommandContext(
      configuration: configuration, log: log(configuration, arguments),
      output: Output(isJSON: arguments.has("--json"), isQuiet: arguments.has("--quiet"), write: output),
      installation: Installation(environment: environment), environment: environment)
    for notice in configuration.notices { context.log.write(.debug, "config", notice) }
    let start = SystemClock.seconds()
    do {
      if verb.readsModels { context.modelsMirror = try context.mirroredModels() }
      let code = try verb.run(arguments, in: context)
      if verb.isLogged { context.log.ended(verb, code, since: start) }
      return code
    } catch {
      context.log.ended(verb, Self.exitCode(of: error), since: start, error: error)
      throw error
    }
  }

  /// Targets between candles are known to few verbs.
  private func requireFittingTarget(_ verb: any Verb, _ configuration: Configuration) throws {
    guard !verb.takesTickTargets, verb.options.contains(where: { $0.knob == "market.target" }),
      let target = configuration.text("market.target").flatMap({ PredictionTarget($0) }), target.isOfTicks
    else { return }
    throw CommandError(
      .wrongUsage,
      "\(verb.name) works on candles, and \(target) is predicted between them; choose one of "
        + PredictionTarget.all.map(\.description).joined(separator: ", "))
  }

  private func log(_ configuration: Configuration, _ arguments: ParsedArguments) -> Log {
    let fileLevel = configuration.text("log.level").flatMap(LogLevel.init) ?? .info
    let files = LogFiles(
      folder: configuration.text("log.directory") ?? "logs",
      retentionDays: configuration.integer("log.retention_days") ?? 30)
    let isTerminal = Terminal.error.isInteractive
    let usual: LogLevel = isTerminal ? max(fileLevel, .info) : .warning
    let screenLevel: LogLevel = arguments.has("--quiet") ? .error : arguments.has("--verbose") ? .debug : usual
    let screen = error
    // A progress bar may stand on the line.
    let start = isTerminal ? "\r\u{1B}[K" : ""
    return Log(
      files: files, fileLevel: fileLevel, screenLevel: screenLevel, screen: { screen(start + $0 + "\n") },
      clock: SystemClock.now)
  }
}

extension Log {
  /// How a verb ended, for the file; the screen has the result or the error.
  fileprivate func ended(_ verb: any Verb, _ code: ExitCode, since start: Double, error: (any Error)? = nil) {
    write(
      error == nil ? .info : .error, verb.name, error.map { "\($0)" } ?? "done",
      context: [JSONValue.Member("exit_code", .integer(Int64(code.rawValue)))],
      tookMilliseconds: (SystemClock.seconds() - start) * 1000, isShown: false)
  }
}
