/// A page in Prometheus' text format, version 0.0.4, read by the rules of its documentation.
struct Exposition {
  struct Malformed: Error { let line: String }

  private(set) var kinds: [String: String] = [:]
  /// Of each name of a sample the values by labels.
  private(set) var samples: [String: [String: Double]] = [:]

  init(_ text: String) throws {
    guard text.hasSuffix("\n") else { throw Malformed(line: "the last line is not ended") }
    var current = ""
    var helped: Set<String> = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
      if line.hasPrefix("# HELP ") {
        guard words.count == 4, Self.isName(words[2]), helped.insert(words[2]).inserted else {
          throw Malformed(line: String(line))
        }
      } else if line.hasPrefix("# TYPE ") {
        // Once, before the samples of its metric.
        guard words.count == 4, Self.isName(words[2]), kinds[words[2]] == nil,
          ["counter", "gauge", "histogram"].contains(words[3])
        else { throw Malformed(line: String(line)) }
        (kinds[words[2]], current) = (words[3], words[2])
      } else {
        let (name, labels, value) = try Self.sample(line)
        guard isSample(name, of: current), samples[name, default: [:]].updateValue(value, forKey: labels) == nil else {
          throw Malformed(line: String(line))
        }
      }
    }
    for (name, kind) in kinds where kind == "histogram" { try checkHistogram(name) }
  }

  private func isSample(_ name: String, of metric: String) -> Bool {
    guard kinds[metric] == "histogram" else { return name == metric }
    return ["_bucket", "_sum", "_count"].contains { name == metric + $0 }
  }

  /// Buckets grow with their bounds, the last one is of everything, and nothing stands alone.
  private func checkHistogram(_ name: String) throws {
    var buckets: [String: [(bound: Double, count: Double)]] = [:]
    for (labels, count) in samples[name + "_bucket"] ?? [:] {
      let (others, bound) = try Self.bound(in: labels)
      buckets[others, default: []].append((bound, count))
    }
    let (sums, counts) = (samples[name + "_sum"] ?? [:], samples[name + "_count"] ?? [:])
    guard !buckets.isEmpty, Set(buckets.keys) == Set(counts.keys), Set(sums.keys) == Set(counts.keys) else {
      throw Malformed(line: name)
    }
    for (labels, ladder) in buckets {
      let rungs = ladder.sorted { $0.bound < $1.bound }
      guard rungs.last?.bound == .infinity, rungs.last?.count == counts[labels],
        zip(rungs, rungs.dropFirst()).allSatisfy({ $0.bound < $1.bound && $0.count <= $1.count })
      else { throw Malformed(line: "\(name) \(labels)") }
    }
  }

  /// - Returns: the labels without that of the bound.
  private static func bound(in labels: String) throws -> (others: String, bound: Double) {
    var parts = labels.split(separator: ",")
    guard let place = parts.firstIndex(where: { $0.hasPrefix("le=\"") && $0.hasSuffix("\"") }) else {
      throw Malformed(line: labels)
    }
    let text = parts.remove(at: place).dropFirst(4).dropLast()
    guard let bound = text == "+Inf" ? .infinity : Double(text) else { throw Malformed(line: labels) }
    return (parts.joined(separator: ","), bound)
  }

  private static func sample(_ line: Substring) throws -> (name: String, labels: String, value: Double) {
    let name = line.prefix { $0 != "{" && $0 != " " }
    var rest = line.dropFirst(name.count)
    var labels = Substring()
    if rest.first == "{" {
      var isQuoted = false
      var isEscaped = false
      let end = rest.firstIndex { character in
        defer { isEscaped = character == "\\" && !isEscaped }
        if character == "\"", !isEscaped { isQuoted.toggle() }
        return character == "}" && !isQuoted
      }
      guard let end else { throw Malformed(line: String(line)) }
      labels = rest[rest.index(after: rest.startIndex)..<end]
      rest = rest[rest.index(after: end)...]
      try check(labels)
    }
    let number = ["+Inf": "inf", "-Inf": "-inf", "NaN": "nan"][rest.dropFirst()] ?? String(rest.dropFirst())
    guard isName(String(name)), rest.first == " ", let value = Double(number) else {
      throw Malformed(line: String(line))
    }
    return (String(name), String(labels), value)
  }

  /// `name="value"` apart by commas; no name twice.
  private static func check(_ labels: Substring) throws {
    var names: Set<Substring> = []
    var rest = labels
    while !rest.isEmpty {
      let name = rest.prefix { $0 != "=" }
      rest = rest.dropFirst(name.count + 1)
      guard isName(String(name)), !name.contains(":"), names.insert(name).inserted, rest.first == "\"" else {
        throw Malformed(line: String(labels))
      }
      rest = rest.dropFirst()
      while let character = rest.first, character != "\"" {
        rest = rest.dropFirst()
        guard character == "\\" else { continue }
        guard let escaped = rest.first, "\\\"n".contains(escaped) else { throw Malformed(line: String(labels)) }
        rest = rest.dropFirst()
      }
      rest = rest.dropFirst()
      if rest.first == "," { rest = rest.dropFirst() } else if !rest.isEmpty { throw Malformed(line: String(labels)) }
    }
  }

  private static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, !(48...57).contains(first) else { return false }
    return text.utf8.allSatisfy { byte in
      (48...58).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95
    }
  }
}
