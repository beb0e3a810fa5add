import Crypto
import Dataset
import Features
import FoundationEssentials
import Market
import Storage

/// Dataset files beside the store, named after what they were made from, so that a training of the same candles reads the
/// same file.
struct DatasetCache {
  struct Entry {
    let path: String
    let isNew: Bool
  }

  let folder: String

  init(storePath: String) {
    let parent = storePath.lastIndex(of: "/").map { String(storePath[..<$0]) } ?? "."
    folder = parent + "/datasets"
  }

  /// The dataset of a range of decisions; made unless it is there and `isFresh` is false.
  func dataset(
    _ request: Request, from store: DuckDBStore, isFresh: Bool, progress: (Int) throws -> Void
  ) throws -> Entry {
    let path = "\(folder)/\(request.key).dataset"
    if !isFresh, FileManager.default.fileExists(atPath: path) { return Entry(path: path, isNew: false) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var builder = DatasetBuilder(header: request.header, expectedCandles: request.summary.rows)
    var count = 0
    try store.readEvents(request.summary.series, before: request.range.upperBound, asOf: request.asOf ?? .distantFuture)
    {
      builder.take($0)
      count += 1
      if count.isMultiple(of: 4096) { try progress(count) }
    }
    try progress(count)
    _ = try builder.write(to: path)
    return Entry(path: path, isNew: true)
  }

  struct Request {
    let view: MarketView
    let summary: SeriesSummary
    let range: Range<Timestamp>
    let asOf: Timestamp?

    var header: DatasetHeader {
      DatasetHeader(
        view: view, anchor: summary.firstOpenTime, from: range.lowerBound, to: range.upperBound, asOf: asOf,
        featureNames: FeatureSet.candles.names, featureSetHash: FeatureSet.candles.hash.description,
        isSynthetic: view.price.venue.isSimulated)
    }

    var key: String {
      let parts = [
        view.description, FeatureSet.candles.hash.description, "\(summary.rows)", "\(summary.revisions)",
        "\(summary.firstOpenTime)", "\(summary.lastOpenTime)", "\(range.lowerBound)", "\(range.upperBound)",
        asOf.map { "\($0)" } ?? "",
      ]
      return String(SHA256.hexDigest(of: Array(parts.joined(separator: "\n").utf8)).prefix(24))
    }
  }
}
