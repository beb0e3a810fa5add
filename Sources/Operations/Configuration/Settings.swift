internal import Market

/// A knob set somewhere: our key for it and the text found there, already in our unit.
struct Setting {
  let key: String
  let text: String
  let source: Configuration.Source

  /// `nil` for an empty text: not set.
  func value(for knob: Knob) throws(ConfigurationError) -> KnobValue? {
    if text.isEmpty { return nil }
    if let value = knob.kind.parse(text) { return value }
    let shown = knob.isSecret ? Secret.mask : text.withoutPasswords
    throw .badValue(key: key, source: source, value: shown, expected: knob.kind.expectation)
  }
}

/// Collects settings from all sources, weakest first.
enum Settings {
  static func all(of input: Configuration.Input) throws(ConfigurationError) -> [Setting] {
    try fromFile(input.ingestFile, names: ingestNames) { .ingestFile(path: $0, line: $1) }
      + fromFile(input.file, names: fileNames) { .file(path: $0, line: $1) }
      + fromEnvironment(input.environment)
      + input.flags.map { Setting(key: $0.key, text: $0.text, source: .flag(name: $0.name)) }
  }

  /// A name that a file may use for a knob.
  private struct Name {
    let knob: Knob
    let seed: SeedName?
  }

  private static let fileNames = names(in: .key, includingOurs: true)
  private static let ingestNames = names(in: .ingestFile, includingOurs: false)

  private static func names(in place: SeedName.Place, includingOurs: Bool) -> [String: Name] {
    var names: [String: Name] = [:]
    for knob in KnobTable.all {
      for seed in knob.seedNames where seed.place == place { names[seed.name] = Name(knob: knob, seed: seed) }
      if includingOurs { names[knob.key] = Name(knob: knob, seed: nil) }
    }
    return names
  }

  private static func fromFile(
    _ file: Configuration.TextFile?, names: [String: Name], source: (String, Int) -> Configuration.Source
  ) throws(ConfigurationError) -> [Setting] {
    guard let file else { return [] }
    let root: YAMLNode?
    do {
      root = try YAMLParser.parse(file.text)
    } catch {
      throw .malformed(path: file.path, error)
    }
    guard let root, root.content != .scalar("") else { return [] }
    guard case .mapping(let pairs) = root.content else {
      throw .malformed(path: file.path, YAMLError(line: root.line, problem: "expected keys with values"))
    }
    var settings: [Setting] = []
    for leaf in try leaves(of: pairs, under: "", path: file.path, names: names) {
      let text = leaf.name.seed?.translate(leaf.text) ?? leaf.text
      settings.append(Setting(key: leaf.name.knob.key, text: text, source: source(file.path, leaf.line)))
    }
    return settings
  }

  private struct Leaf {
    let name: Name
    let text: String
    let line: Int
  }

  private static func leaves(
    of pairs: [YAMLNode.Pair], under prefix: String, path: String, names: [String: Name]
  ) throws(ConfigurationError) -> [Leaf] {
    var leaves: [Leaf] = []
    for pair in pairs {
      let key = prefix + pair.key
      if let name = names[key] {
        guard let text = plainText(pair.value) else {
          throw .badValue(
            key: key, source: .file(path: path, line: pair.value.line), value: "a nested block",
            expected: name.knob.kind.expectation)
        }
        leaves.append(Leaf(name: name, text: text, line: pair.value.line))
      } else if names.keys.contains(where: { $0.hasPrefix(key + ".") }) {
        switch pair.value.content {
        case .mapping(let inner): leaves += try self.leaves(of: inner, under: key + ".", path: path, names: names)
        case .scalar(""): continue
        default:
          throw .malformed(path: path, YAMLError(line: pair.value.line, problem: "\(key) is a section of keys"))
        }
      } else {
        let suggestion = Suggestion.nearest(to: key, among: names.keys.sorted())
        throw .unknownKey(path: path, line: pair.value.line, key: key, suggestion: suggestion)
      }
    }
    return leaves
  }

  /// Sequences become `a,b`, mappings of plain values `a=1,b=2`; `nil` for anything deeper.
  private static func plainText(_ node: YAMLNode) -> String? {
    switch node.content {
    case .scalar(let text): return text
    case .sequence(let items):
      let texts = items.map(\.scalar)
      return texts.contains(nil) ? nil : texts.compactMap(\.self).joined(separator: ",")
    case .mapping(let pairs):
      let texts = pairs.map { pair in pair.value.scalar.map { "\(pair.key)=\($0)" } }
      return texts.contains(nil) ? nil : texts.compactMap(\.self).joined(separator: ",")
    }
  }

  /// Empty variables are not set. Our own name wins over a seed's.
  private static func fromEnvironment(_ environment: [String: String]) -> [Setting] {
    var settings: [Setting] = []
    for knob in KnobTable.all {
      for seed in knob.seedNames where seed.place == .environment {
        guard let text = environment[seed.name], !text.isEmpty else { continue }
        settings.append(
          Setting(key: knob.key, text: seed.translate(text), source: .environment(name: seed.name)))
      }
      guard let text = environment[knob.environmentName], !text.isEmpty else { continue }
      settings.append(Setting(key: knob.key, text: text, source: .environment(name: knob.environmentName)))
    }
    return settings
  }
}

extension YAMLNode {
  fileprivate var scalar: String? { if case .scalar(let text) = content { text } else { nil } }
}
