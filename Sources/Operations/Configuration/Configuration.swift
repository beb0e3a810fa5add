internal import Market

/// Every knob with its value and where the value came from.
package struct Configuration: Sendable {
  package private(set) var entries: [Entry]
  private let index: [String: Int]

  package struct Entry: Sendable {
    package let knob: Knob
    package fileprivate(set) var value: KnobValue?
    package fileprivate(set) var source: Source
  }

  /// Later ones win.
  package enum Source: Hashable, Sendable {
    case preset
    case ingestFile(path: String, line: Int)
    case file(path: String, line: Int)
    case environment(name: String)
    case flag(name: String)
  }

  /// What the sources say, before it is read.
  package struct Input: Sendable {
    package var ingestFile: TextFile?
    package var file: TextFile?
    package var environment: [String: String]
    package var flags: [Flag]

    package init(
      ingestFile: TextFile? = nil, file: TextFile? = nil, environment: [String: String] = [:], flags: [Flag] = []
    ) {
      self.ingestFile = ingestFile
      self.file = file
      self.environment = environment
      self.flags = flags
    }
  }

  package struct TextFile: Hashable, Sendable {
    package let path: String
    package let text: String

    package init(path: String, text: String) { (self.path, self.text) = (path, text) }
  }

  /// A knob set on the command line: `--store duckdb:x` sets `store`.
  package struct Flag: Hashable, Sendable {
    package let key: String
    package let name: String
    package let text: String

    package init(key: String, name: String, text: String) { (self.key, self.name, self.text) = (key, name, text) }
  }

  package init(_ input: Input = Input()) throws(ConfigurationError) {
    var entries = KnobTable.all.map { Entry(knob: $0, value: $0.preset.flatMap($0.kind.parse), source: .preset) }
    let index = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.knob.key, $0) })
    for setting in try Settings.all(of: input) {
      guard let position = index[setting.key] else { continue }
      entries[position].value = try setting.value(for: entries[position].knob)
      entries[position].source = setting.source
    }
    self.entries = entries
    self.index = index
    try refuseClashes()
  }

  /// Knobs that are set though nothing reads them, or that mean something else here: one sentence each.
  package var notices: [String] {
    entries.compactMap { entry in
      guard entry.source != .preset, entry.value?.description != entry.knob.preset else { return nil }
      switch entry.knob.status {
      case .used: return nil
      case .notUsedYet: return "\(entry.knob.key) (\(entry.source)) is not used yet"
      case .differs(let what): return "\(entry.knob.key) (\(entry.source)) changes nothing: \(what)"
      }
    }
  }

  /// Ports that need a number of their own. Daily jobs may have the same minute: those that must not run together wait for
  /// each other.
  private func refuseClashes() throws(ConfigurationError) {
    var holders: [KnobValue: String] = [:]
    for knob in KnobTable.all where knob.isListeningPort && (knob.key != Self.gapHandlerPort || hasGapHandlerPort) {
      guard let value = self[knob.key], value != .integer(0) else { continue }
      if let other = holders.updateValue(knob.key, forKey: value) {
        throw .clash(first: other, second: knob.key, value: value.description)
      }
    }
  }
}

extension Knob {
  fileprivate var isListeningPort: Bool { key.hasPrefix("server.") && key.hasSuffix("_port") }
}

extension Configuration {
  private static let gapHandlerPort = "server.gap_handler_port"

  /// Whether the gap handler listens: whoever names the one port that is wanted gets the other one only by naming it too.
  package var hasGapHandlerPort: Bool {
    let feeder = index["server.feeder_port"].map { entries[$0].source }
    return feeder != .flag(name: "--port") || isSet(Self.gapHandlerPort)
  }

  /// The same with other values for some knobs.
  package func setting(_ flags: [Flag]) throws(ConfigurationError) -> Configuration {
    var changed = self
    for flag in flags {
      guard let position = index[flag.key] else { preconditionFailure("no knob \(flag.key)") }
      let setting = Setting(key: flag.key, text: flag.text, source: .flag(name: flag.name))
      changed.entries[position].value = try setting.value(for: entries[position].knob)
      changed.entries[position].source = setting.source
    }
    return changed
  }

  /// The value of a knob; traps on a key that is not in the table.
  package subscript(_ key: String) -> KnobValue? {
    guard let position = index[key] else { preconditionFailure("no knob \(key)") }
    return entries[position].value
  }

  package func text(_ key: String) -> String? { self[key]?.description }

  /// The knob was set somewhere; its value is not just the preset.
  package func isSet(_ key: String) -> Bool { index[key].map { entries[$0].source != .preset } ?? false }

  package func integer(_ key: String) -> Int? {
    if case .integer(let value)? = self[key] { value } else { nil }
  }

  package func number(_ key: String) -> Double? {
    if case .number(let value)? = self[key] { value } else { nil }
  }

  package func boolean(_ key: String) -> Bool? {
    if case .boolean(let value)? = self[key] { value } else { nil }
  }
}

extension Configuration.Entry {
  /// What may be shown of the value; `nil` is "not set".
  package var shown: String? {
    knob.isSecret ? value.map { _ in Secret.mask } : value?.description.withoutPasswords
  }

  /// The same for a program.
  package var shownJSON: JSONValue {
    knob.isSecret || knob.kind == .store ? JSONValue(shown) : value?.json ?? .null
  }
}

extension Configuration.Source: CustomStringConvertible {
  package var description: String {
    switch self {
    case .preset: "default"
    case .ingestFile(let path, let line), .file(let path, let line): "\(path):\(line)"
    case .environment(let name): "$\(name)"
    case .flag(let name): name
    }
  }
}
