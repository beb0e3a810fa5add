import Market
import Operations
import Platform
import TestSupport

@testable import candlecast

/// A folder with everything that a command reads and writes, and what it is configured with.
struct Desk {
  /// Where a setting stands.
  enum Place: CaseIterable { case file, environment, flag }

  let folder: TemporaryFolder
  private let usual: [String: String]

  /// - Parameter knobs: what every command here is given, by key.
  init(_ knobs: [String: String] = [:]) throws {
    folder = try TemporaryFolder()
    let places = [
      "store": "duckdb:\(folder.path)/s.duckdb", "models": "\(folder.path)/models",
      "log.directory": "\(folder.path)/logs",
      "tape.directory": "\(folder.path)/tape", "server.feeder_port": "0", "server.gap_handler_port": "0",
      "market.venue": "sim-binance", "ingest.limit": "5",
    ]
    usual = places.merging(knobs) { $1 }
  }

  var storePath: String { folder.path + "/s.duckdb" }

  func configuration(_ knobs: [String: String] = [:], in place: Place = .file) throws -> Configuration {
    var input = Configuration.Input()
    switch place {
    case .file: input.file = Configuration.TextFile(path: "c.yaml", text: yaml(knobs))
    case .environment:
      let names = Dictionary(uniqueKeysWithValues: KnobTable.all.map { ($0.key, $0.environmentName) })
      for (key, text) in usual.merging(knobs, uniquingKeysWith: { $1 }) { input.environment[names[key]!] = text }
    case .flag:
      input.flags = usual.merging(knobs) { $1 }.map { Configuration.Flag(key: $0.key, name: "--test", text: $0.value) }
    }
    return try Configuration(input)
  }

  func context(_ knobs: [String: String] = [:]) throws -> CommandContext {
    CommandContext(
      configuration: try configuration(knobs), log: log, output: Output(isJSON: false, isQuiet: true) { _ in },
      installation: Installation(environment: [:]))
  }

  /// What this desk says about a knob.
  func text(_ knob: Knob) -> String? { usual[knob.key] }

  /// To the folder alone.
  private var log: Log {
    Log(
      files: LogFiles(folder: folder.path + "/logs", retentionDays: 1), fileLevel: .info, screenLevel: .error,
      screen: { _ in }, clock: SystemClock.now)
  }

  func yaml(_ knobs: [String: String] = [:]) -> String {
    var sections: [String: [String]] = [:]
    for (key, text) in usual.merging(knobs, uniquingKeysWith: { $1 }).sorted(by: { $0.key < $1.key }) {
      let parts = key.split(separator: ".").map(String.init)
      sections[parts.count == 2 ? parts[0] : "", default: []].append("\(parts.last!): \"\(text)\"")
    }
    return sections.sorted { $0.key < $1.key }.map { section, lines in
      section.isEmpty
        ? lines.joined(separator: "\n") : "\(section):\n" + lines.map { "  " + $0 }.joined(separator: "\n")
    }.joined(separator: "\n") + "\n"
  }
}
