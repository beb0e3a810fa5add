import FoundationEssentials
import Operations
import Testing

@testable import candlecast

/// Commands that stand in pages and scripts can be run as they stand.
struct WrittenCommandsTests {
  private func lines(_ path: String) throws -> [String] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = String(decoding: try Data(contentsOf: root.appending(path: path)), as: UTF8.self)
    return text.split(separator: "\n").map { String($0.drop(while: \.isWhitespace)) }
  }

  /// Words up to a comment.
  private func words(_ line: String) -> [String] {
    line.split(separator: " ").prefix { !$0.hasPrefix("#") }.map { $0.filter { $0 != "\"" } }
  }

  /// Words after the variables that are set for a command, of lines that are one.
  private func commands(_ path: String) throws -> [[String]] {
    try lines(path).map { Array(words($0).drop { $0.contains("=") }) }
      .filter { $0.first == "candlecast" && $0.count > 1 && !$0[1].hasSuffix(":") }
  }

  @Test(
    arguments: [
      ("README.md", 8), ("docs/live-data.md", 10), ("docs/archive.md", 3), ("docs/backup.md", 8),
    ])
  func `those of pages`(path: String, count: Int) throws {
    let commands = try commands(path)
    #expect(commands.count >= count)
    for command in commands {
      let (verb, rest) = try Verbs.split(Array(command.dropFirst()))
      _ = try ArgumentParser.parse(rest, for: verb)
    }
  }

  @Test func `variables that pages set are read`() throws {
    let names = Set(KnobTable.all.flatMap { [$0.environmentName] + $0.seedNames.map(\.name) })
    for path in ["README.md", "docs/live-data.md", "docs/backup.md"] {
      for line in try lines(path) where line.contains(" candlecast ") {
        for word in words(line).prefix(while: { $0.contains("=") }) {
          #expect(names.contains(String(word.prefix { $0 != "=" })), "\(path): \(word)")
        }
      }
    }
  }

  @Test func `those of the main job`() throws {
    let values = ["$data": "candles.csv", "$target": "direction-15m", "$split": "2024-03-25", "$end": "2024-04-01"]
    let commands = try lines("Scripts/report.sh").filter { $0.hasPrefix("\"$candlecast\" ") }
    #expect(commands.count >= 4)
    for command in commands {
      let words = words(command).map { values[$0] ?? $0 }
      _ = try ArgumentParser.parse(Array(words.dropFirst(2)), for: try Verbs.named(words[1]))
    }
  }
}
