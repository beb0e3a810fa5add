/// The text of `~/.aws/credentials` or `~/.aws/config`: sections with settings.
struct ProfileFile: Sendable {
  /// For messages.
  let path: String
  private var sections: [String: [String: String]] = [:]
  /// Larger files are refused, since they are something else.
  static let maxBytes = 1 << 20

  enum Kind { case credentials, config }

  /// Sections of a config file are called `profile NAME`, but for `default`; those of a credentials file `NAME`.
  init(_ text: String, path: String, kind: Kind) throws(CloudSettingsError) {
    self.path = path
    guard text.utf8.count <= Self.maxBytes else { throw .badFile(path: path, line: 1, reason: "more than 1 MiB") }
    var section: String?
    for (index, raw) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let line = raw.trimmingBlanks
      guard let first = line.first, first != "#", first != ";" else { continue }
      if first == "[" {
        guard let end = line.firstIndex(of: "]") else {
          throw .badFile(path: path, line: index + 1, reason: "a section's name has no ']'")
        }
        section = Self.profile(line[line.index(after: line.startIndex)..<end], kind)
        if let section, sections[section] == nil { sections[section] = [:] }
      } else if raw.first == " " || raw.first == "\t" {
        // Settings within a setting, such as those of `s3 =`: none of them is read here.
        continue
      } else {
        guard let equals = line.firstIndex(of: "=") else {
          // The line may be a secret that lost its name, so it is not shown.
          throw .badFile(path: path, line: index + 1, reason: "neither a section nor 'name = value'")
        }
        guard let section else { continue }
        let name = line[..<equals].trimmingBlanks.lowercased()
        sections[section]?[name] = String(line[line.index(after: equals)...].trimmingBlanks)
      }
    }
  }

  /// `nil` for a section that is no profile.
  private static func profile(_ name: Substring, _ kind: Kind) -> String? {
    let words = name.split { $0 == " " || $0 == "\t" }
    if kind == .credentials { return String(name.trimmingBlanks) }
    if words.count == 1, words[0] == "default" { return "default" }
    guard words.count >= 2, words[0] == "profile" else { return nil }
    return words.dropFirst().joined(separator: " ").trimming { $0 == "\"" || $0 == "'" }
  }

  func has(_ profile: String) -> Bool { sections[profile] != nil }

  subscript(_ profile: String, _ name: String) -> String? {
    sections[profile]?[name].flatMap { $0.isEmpty ? nil : $0 }
  }
}

extension StringProtocol {
  var trimmingBlanks: String { trimming { $0 == " " || $0 == "\t" || $0 == "\r" } }

  fileprivate func trimming(_ isBlank: (Character) -> Bool) -> String {
    var rest = self[...]
    while let first = rest.first, isBlank(first) { rest = rest.dropFirst() }
    while let last = rest.last, isBlank(last) { rest = rest.dropLast() }
    return String(rest)
  }
}
