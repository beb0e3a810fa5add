import Dataset
import Features
import Market
import TestSupport

extension Dataset {
  /// What a builder makes of records in the order of their availability.
  static func made(_ records: some Sequence<CandleRecord>) throws -> Dataset {
    let folder = try TemporaryFolder()
    let set = FeatureSet.candles
    let header = DatasetHeader(
      view: MadeVersion.view, anchor: Timestamp(minute: RandomWalk.firstMinute), from: .distantPast, to: .distantFuture,
      asOf: nil, featureNames: set.names, featureSetHash: set.hash.description, isSynthetic: false)
    var builder = DatasetBuilder(MadeVersion.view, header: header, expectedCandles: 4000)
    for record in records { builder.take(.candle(MadeVersion.view.price, record)) }
    _ = try builder.write(to: folder.path + "/d")
    return try Dataset(path: folder.path + "/d")
  }

  static func made(_ candles: [Candle]) throws -> Dataset { try made(candles.map(CandleRecord.init(archived:))) }

  func vector(_ row: Int) -> [Float] { Array(features[row * featureCount..<(row + 1) * featureCount]) }
}
