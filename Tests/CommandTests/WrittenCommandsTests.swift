import FoundationEssentials
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

  @Test func `those of the README`() throws {
    let commands = try lines("README.md").filter { $0.hasPrefix("candlecast ") }
    #expect(commands.count >= 5)
    for command in commands.map(words) {
      _ = try ArgumentParser.parse(Array(command.dropFirst(2)), for: try Verbs.named(command[1]))
    }
  }

  @Test func `those of the main job`() throws {
    let values = ["$data": "candles.csv", "$target": "direction-15m", "$split": "2024-03-25", "$end": "2024-04-01"]
    let commands = try lines("Scripts/run.sh").filter { $0.hasPrefix("\"$candlecast\" ") }
    #expect(commands.count >= 4)
    for command in commands {
      let words = words(command).map { values[$0] ?? $0 }
      _ = try ArgumentParser.parse(Array(words.dropFirst(2)), for: try Verbs.named(words[1]))
    }
  }
}
