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

  init(in stateFolder: String) { folder = stateFolder + "/datasets" }

  /// The dataset of a range of decisions; made unless it is there and `isFresh` is false.
  func dataset(
    _ request: Request, from store: any Store, isFresh: Bool, progress: (Int) throws -> Void
  ) throws -> Entry {
    let asOf = request.asOf ?? .distantFuture
    let read = request.prices.firstOpenTime..<request.range.upperBound
    let outcomes = try OutcomePrices(request.view.price, in: read, asOf: asOf, from: store)
    let path = "\(folder)/\(request.key(outcomes)).dataset"
    if !isFresh, FileManager.default.fileExists(atPath: path) { return Entry(path: path, isNew: false) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var builder = DatasetBuilder(request.view, header: request.header, expectedCandles: request.prices.rows)
    var count = 0
    try store.readEvents(request.view, in: read, asOf: asOf) {
      builder.take($0)
      count += 1
      if count.isMultiple(of: 4096) { try progress(count) }
    }
    builder.advance(to: asOf)
    builder.exclude(outcomes.sampled)
    if let instants = outcomes.instants { builder.settle(at: instants) }
    try progress(count)
    _ = try builder.write(to: path)
    return Entry(path: path, isNew: true)
  }

  struct Request {
    let view: MarketView
    /// What is stored of the view's series, that of the prices first.
    let summaries: [SeriesSummary]
    let range: Range<Timestamp>
    let asOf: Timestamp?

    var prices: SeriesSummary { summaries[0] }

    private var set: FeatureSet { .of(view) }

    var header: DatasetHeader {
      DatasetHeader(
        view: view, anchor: prices.firstOpenTime, from: range.lowerBound, to: range.upperBound, asOf: asOf,
        featureNames: set.names, featureSetHash: set.hash.description, isSynthetic: view.isSimulated)
    }

    func key(_ outcomes: OutcomePrices) -> String {
      let stored = summaries.flatMap { ["\($0.rows)", "\($0.revisions)", "\($0.firstOpenTime)", "\($0.lastOpenTime)"] }
      let parts =
        [view.description, set.hash.description] + stored
        + ["\(range.lowerBound)", "\(range.upperBound)", asOf.map { "\($0)" } ?? "", outcomes.fingerprint]
      return String(SHA256.hexDigest(of: Array(parts.joined(separator: "\n").utf8)).prefix(24))
    }
  }
}
