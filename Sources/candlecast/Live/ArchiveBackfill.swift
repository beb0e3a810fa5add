import FoundationEssentials
import Glibc
import Ingestion
import Market
import Operations
import Storage
import Transport

/// Brings whole days of Binance's archive into the store. A file is fetched when it is not the one imported before, so
/// one that was published again becomes revisions.
struct ArchiveBackfill {
  struct Result: Sendable {
    var files = 0
    /// Imported before and unchanged since.
    var unchanged = 0
    /// Not published: asked of the venue instead.
    var absent = 0
    var counts = WriteCounts()
  }

  let context: CommandContext
  let series: Series
  let http: HTTPClient
  let base: String

  func run(_ plan: ArchivePlan, into store: any Store) async throws -> Result {
    var result = Result()
    var bar = context.progress("archive \(series.symbol)", unit: "files", total: Int64(plan.files.count))
    defer { bar.finish() }
    for (index, file) in plan.files.enumerated() {
      if context.isStopRequested {
        throw CommandError(.failed, "stopped after \(index) of \(plan.files.count) files; the same command goes on")
      }
      try await take(file, into: store, &result)
      bar.update(Int64(index + 1))
    }
    return result
  }

  private func take(_ file: ArchiveFile, into store: any Store, _ result: inout Result) async throws {
    guard let text = try await fetch(file.checksumPath) else { return result.absent += 1 }
    let checksum = try ArchiveChecksum(text, of: file)
    let key = "archive:\(series):\(file.name)"
    guard try store.meta(key) != checksum.sha256 else { return result.unchanged += 1 }
    guard let bytes = try await fetch(file.path) else { return result.absent += 1 }
    try checksum.verify(bytes, of: file)
    let report = try imported(bytes, named: file.name, into: store)
    try store.setMeta(key, checksum.sha256)
    result.files += 1
    result.counts.new += report.counts.new
    result.counts.revised += report.counts.revised
    result.counts.unchanged += report.counts.unchanged
    context.log.write(
      .info, "backfill", "\(file.name): \(report.counts.new) new, \(report.counts.revised) revised",
      symbol: series.symbol)
  }

  private func imported(_ bytes: [UInt8], named name: String, into store: any Store) throws -> ImportReport {
    let folder =
      FileManager.default.temporaryDirectory.path + "/candlecast-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(bytes).write(to: URL(filePath: folder + "/" + name))
    return try CandleImport(series: series, knownAt: context.now()).run(folder + "/" + name, into: store)
  }

  /// `nil` if there is no such file.
  private func fetch(_ path: String) async throws -> [UInt8]? {
    var failures = 0
    while true {
      do {
        let answer = try await http.send(HTTPRequest(url: base + path, timeoutSeconds: 300))
        if answer.status == 200 { return answer.body }
        if answer.status == 404 { return nil }
        guard answer.status >= 500 || answer.status == 429, failures < 4 else {
          throw CommandError(.unreachable, "\(base)\(path) answers with HTTP \(answer.status)")
        }
      } catch let error as TransportError {
        guard failures < 4 else { throw CommandError(.unreachable, "\(error)") }
      }
      failures += 1
      try await Task.sleep(for: .seconds(Double(1 << failures) * 0.25))
    }
  }
}
