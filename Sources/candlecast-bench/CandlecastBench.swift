import FoundationEssentials
import Glibc
import Operations

/// Measures Candlecast: `candlecast-bench CANDLES OUT.json [PEERS.json] [--only NAME]`, where the name may be the beginning of
/// several, or `candlecast-bench redis URL OUT.json`.
@main
enum CandlecastBench {
  static func main() async throws {
    var words = Array(CommandLine.arguments.dropFirst())
    if words.count == 2, words[0] == RunBenchmarks.bareWord { return try RunBenchmarks.holdBareStore(words[1]) }
    if words.count == 3, words[0] == RedisBenchmarks.word {
      return try await RedisBenchmarks.run(url: words[1], to: words[2])
    }
    let only = takeOnly(&words)
    guard (2...3).contains(words.count) else {
      Terminal.error.write("usage: candlecast-bench CANDLES OUT.json [PEERS.json] [--only NAME]\n")
      exit(2)
    }
    let peers = words.count == 3 ? try PeerResults(path: words[2]) : nil
    var results: [JSONValue] = []
    for benchmark in Benchmarks.all where benchmark.name.hasPrefix(only) {
      let measurement = try await benchmark.measure(benchmark.name, words[0])
      results.append(measurement.json)
      Terminal.output.write(measurement.line(ratio: peers?.ratio(of: measurement, to: benchmark.peer)) + "\n")
    }
    let folder = URL(filePath: words[1]).deletingLastPathComponent()
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data((JSONValue.array(results).indented + "\n").utf8).write(to: URL(filePath: words[1]), options: .atomic)
  }

  /// Empty if every row is wanted.
  private static func takeOnly(_ words: inout [String]) -> String {
    guard let index = words.firstIndex(of: "--only"), index + 1 < words.count else { return "" }
    defer { words.removeSubrange(index...index + 1) }
    return words[index + 1]
  }
}
