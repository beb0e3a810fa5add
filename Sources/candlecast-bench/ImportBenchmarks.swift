import FoundationEssentials
import Ingestion
import Market
import Storage

enum ImportBenchmarks {
  private static let series = Series(.binance, .btcusdt)

  static let all = [
    Benchmark("import.file", peer: "peer.read_csv") { name, path in
      let folder = try ScratchFolder()
      var rows = 0
      var round = 0
      let measurement = try Measurement.seconds(name, n: 1) {
        round += 1
        let store = try DuckDBStore(path: "\(folder.path)/\(round).duckdb")
        rows = try CandleImport(series: series, knownAt: Timestamp(minute: 0)).run(path, into: store).rowsRead
      }
      return Measurement(name: name, unit: measurement.unit, n: rows, figures: measurement.figures)
    },
    Benchmark("store.read") { name, path in
      let folder = try ScratchFolder()
      let store = try DuckDBStore(path: "\(folder.path)/read.duckdb")
      let rows = try CandleImport(series: series, knownAt: Timestamp(minute: 0)).run(path, into: store).rowsRead
      return try Measurement.seconds(name, n: rows) {
        var count = 0
        try store.readCandles(series, in: .all, asOf: .distantFuture) { count += $0.count }
        precondition(count == rows, "every candle is read")
      }
    },
  ]
}

/// A folder that goes away with its owner.
final class ScratchFolder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/candlecast-bench-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
