/// One thing that a user can set: our name for it, the names other systems gave it, and whether anything reads it yet.
package struct Knob: Sendable {
  /// Path in the YAML file, `log.retention_days`.
  package let key: String
  package let kind: KnobKind
  /// As it would stand in the file; `nil` is "not set".
  package let preset: String?
  package let unit: String?
  /// The command line option that sets it, `--store`.
  package let flag: String?
  package let seedNames: [SeedName]
  package let status: Status
  package let isSecret: Bool
  package let summary: String

  package enum Status: Hashable, Sendable {
    case used
    /// Accepted and kept; the part that will read it is not built.
    case notUsedYet
    /// The name is known from elsewhere, what it does here is said in the text.
    case differs(String)
  }

  init(
    _ key: String, _ kind: KnobKind, _ preset: String?, unit: String? = nil, flag: String? = nil,
    seeds: [SeedName] = [], status: Status = .notUsedYet, isSecret: Bool = false, _ summary: String
  ) {
    self.key = key
    self.kind = kind
    self.preset = preset
    self.unit = unit
    self.flag = flag
    self.seedNames = seeds
    self.status = status
    self.isSecret = isSecret
    self.summary = summary
  }

  /// `CANDLECAST_LOG_RETENTION_DAYS`.
  package var environmentName: String {
    "CANDLECAST_" + key.uppercased().replacing(".", with: "_")
  }
}

/// A name under which one of the systems that Candlecast unites knew a knob, and how its values read here.
package struct SeedName: Sendable {
  package let name: String
  package let place: Place
  package let reading: Reading

  package enum Place: Sendable {
    case environment
    /// A path in a configuration file, accepted in ours.
    case key
    /// A member of `config/bitcoin_ingest.json`.
    case ingestFile
  }

  package enum Reading: Sendable {
    case same
    /// Its number times this is ours.
    case scaled(Double)
    /// Ours is this and then its text.
    case prefixed(String)
  }

  static func environment(_ name: String, _ reading: Reading = .same) -> SeedName {
    SeedName(name: name, place: .environment, reading: reading)
  }

  static func key(_ name: String, _ reading: Reading = .same) -> SeedName {
    SeedName(name: name, place: .key, reading: reading)
  }

  static func ingestFile(_ name: String) -> SeedName { SeedName(name: name, place: .ingestFile, reading: .same) }

  /// The text as our own name for the knob would have it.
  func translate(_ text: String) -> String {
    switch reading {
    case .same: text
    case .scaled(let factor): Double(text).map { KnobValue.number($0 * factor).description } ?? text
    case .prefixed(let prefix): text.hasPrefix(prefix) ? text : prefix + text
    }
  }
}
