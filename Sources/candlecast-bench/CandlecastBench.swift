import FoundationEssentials
import Glibc
import Operations

/// Measures Candlecast: `candlecast-bench CANDLES OUT.json [PEERS.json] [--only NAME] [--postgres ADDRESS]`, where the name
/// may be the beginning of several (what takes long is measured by its whole name alone), and with an address only what
/// concerns PostgreSQL is measured, in that database; or `candlecast-bench redis URL OUT.json`, `serve FOLDER`,
/// `serve-bare FOLDER ANSWER_BYTES` and `listen NAME PROCESS PORT CLIENTS SECONDS all|spread`.
@main
enum CandlecastBench {
  static func main() async throws {
    var words = Array(CommandLine.arguments.dropFirst())
    if words.count == 2, words[0] == RunBenchmarks.bareWord { return try RunBenchmarks.holdBareStore(words[1]) }
    if words.count == 3, words[0] == RedisBenchmarks.word {
      return try await RedisBenchmarks.run(url: words[1], to: words[2])
    }
    if words == [ServeBenchmark.widthWord] { return Terminal.output.write("\(ServeBenchmark.width)\n") }
    if words.count == 2, words[0] == ServeBenchmark.word { return try ServeBenchmark.run(folder: words[1]) }
    if words.count == 3, words[0] == BareServer.word {
      return try BareServer.run(folder: words[1], answerBytes: Int(words[2]) ?? 0)
    }
    if words.count == 7, words[0] == ListenBenchmark.word {
      return ListenBenchmark.run(
        name: words[1], process: Int(words[2]) ?? 0, port: Int(words[3]) ?? 0, clients: Int(words[4]) ?? 0,
        seconds: Int(words[5]) ?? 0, isSpread: words[6] == "spread")
    }
    let only = take("--only", from: &words) ?? ""
    let server = take("--postgres", from: &words)
    guard (2...3).contains(words.count) else {
      Terminal.error.write("usage: candlecast-bench CANDLES OUT.json [PEERS.json] [--only NAME] [--postgres ADDRESS]\n")
      exit(2)
    }
    let peers = words.count == 3 ? try PeerResults(path: words[2]) : nil
    var results: [JSONValue] = []
    let all = server.map { PostgresBenchmarks.all($0) } ?? Benchmarks.all
    for benchmark in all where benchmark.isMeant(by: only) {
      let measurement = try await benchmark.measure(benchmark.name, words[0])
      results.append(measurement.json)
      Terminal.output.write(measurement.line(ratio: peers?.ratio(of: measurement, to: benchmark.peer)) + "\n")
    }
    let folder = URL(filePath: words[1]).deletingLastPathComponent()
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data((JSONValue.array(results).indented + "\n").utf8).write(to: URL(filePath: words[1]), options: .atomic)
  }

  private static func take(_ option: String, from words: inout [String]) -> String? {
    guard let index = words.firstIndex(of: option), index + 1 < words.count else { return nil }
    defer { words.removeSubrange(index...index + 1) }
    return words[index + 1]
  }
}
