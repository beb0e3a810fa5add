import Ingestion
import Storage

/// `candlecast run --roles ingest` on a database that holds the candles of a file but for their last day, which a
/// simulator streams. Its stream is in the Redis that the environment names.
enum PostgresIngest {
  struct Memory: Sendable {
    let residentBytes: Double
    let privateBytes: Double
    /// In the database before.
    let candles: Int
  }

  static func measure(_ path: String, in run: PostgresRun) async throws -> Memory {
    let folder = try ScratchFolder()
    let history = try SimulatedRun.history(of: path, in: folder)
    _ = try CandleImport(series: SimulatedRun.series, knownAt: history.end).run(history.table, into: run.emptyStore())
    let memory = try await SimulatedRun.memory(
      of: ["run", "--roles", "ingest", "--store", run.address], [:], streaming: path, in: folder)
    return Memory(residentBytes: memory.residentBytes, privateBytes: memory.privateBytes, candles: history.candles)
  }
}
