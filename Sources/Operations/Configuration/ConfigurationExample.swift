/// The commented file with every knob at its default.
package enum ConfigurationExample {
  package static var text: String {
    var lines = [
      "# Candlecast's configuration: every knob with its default. Copy it to candlecast.yaml and keep what you change.",
      "# The environment overrides this file (the name stands after $), options of the command override both.",
      "# Where downloaded libraries are says the environment alone, which the build reads too: $CANDLECAST_CACHE.",
      "# A key without a value is not set. Made by `candlecast config --example`.",
    ]
    var section = ""
    for knob in KnobTable.all {
      let parts = knob.key.split(separator: ".").map(String.init)
      let indent = parts.count == 2 ? "  " : ""
      lines.append("")
      if parts.count == 2, parts[0] != section { lines.append("\(parts[0]):") }
      section = parts.count == 2 ? parts[0] : ""
      lines += comments(knob).map { "\(indent)# \($0)" }
      lines.append("\(indent)\(parts.last ?? ""):" + (knob.preset.map { " " + quoted($0, knob.kind) } ?? ""))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func comments(_ knob: Knob) -> [String] {
    let unit = knob.unit.map { " In \($0)." } ?? ""
    var names = knob.seedNames.filter { $0.place == .environment }.map { "$\($0.name)" }
    names.append("$\(knob.environmentName)")
    if let flag = knob.flag { names.append(flag) }
    let state: String? =
      switch knob.status {
      case .used: nil
      case .notUsedYet: "Not used yet."
      case .differs(let what): "Changes nothing: \(what)."
      }
    return ["\(knob.summary)\(unit) \(names.joined(separator: ", "))"] + [state].compactMap(\.self)
  }

  private static func quoted(_ preset: String, _ kind: KnobKind) -> String {
    switch kind {
    case .list, .integers: "[\(preset.replacing(",", with: ", "))]"
    case .integer, .number, .boolean, .choice: preset
    default: preset.contains(":") ? "\"\(preset)\"" : preset
    }
  }
}
