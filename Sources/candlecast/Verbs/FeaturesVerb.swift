import Features
import Market
import Operations
import Storage

struct FeaturesVerb: Verb {
  let name = "features"
  let summary = "computes every feature of a range and writes them to a file"
  let details = [
    "One row a minute, raw values, null in warm-up and after long holes. The first column is open_time_ms."
  ]
  let options = [
    Option("--out", .path, isRequired: true, "F.parquet or F.csv"), Option.from("first minute written"),
    Option.to("minute after the last"), Option.asOf, Option.view,
  ]
  let examples = [
    Example("candlecast features --out features.parquet", "all minutes"),
    Example("candlecast features --from 2024-03-01 --to 2024-03-02 --out day.csv", "one day as CSV"),
  ]

  func run(_ arguments: ParsedArguments, in context: CommandContext) throws -> ExitCode {
    let path = try arguments.tablePath()
    let store = try context.openForReading()
    let summary = try context.prices(of: context.view, in: store)
    let range = arguments.range
    let set = FeatureSet.of(context.view)
    let writer = try TableWriter(path: path, columns: set.names)
    var engine = FeatureEngine()
    var bar = context.progress("features", unit: "candles", total: Int64(summary.rows))
    var count = 0
    let asOf = arguments.time("--as-of") ?? .distantFuture
    try store.readCandles(summary.series, in: .distantPast..<range.upperBound, asOf: asOf) { batch in
      if context.isStopRequested { throw CommandError(.failed, "stopped; \(path) was not written") }
      for candle in try store.joined(batch.map(\.candle), in: context.view, asOf: asOf) {
        engine.update(candle)
        guard range.contains(candle.openTime) else { continue }
        try writer.append(candle.openTime, engine.values(set).span)
      }
      count += batch.count
      bar.update(Int64(count))
    }
    bar.finish()
    let rows = try writer.finish()
    context.output.present(
      [
        "file": .text(path), "rows": JSONValue(rows), "columns": JSONValue(set.count),
        "feature_set": .text(set.hash.description),
      ]
    ) { "\(path): \(rows.grouped) rows of \(set.count) features (set \(set.hash))" }
    return .done
  }
}

extension CandleStore {
  /// A piece of the prices of a view, ascending, with the volumes of the same minutes.
  fileprivate func joined(_ prices: [Candle], in view: MarketView, asOf: Timestamp) throws -> JoinedCandles {
    guard let volume = view.volume, let first = prices.first, let last = prices.last else {
      return JoinedCandles(prices: prices, volumes: nil)
    }
    let volumes = try candles(volume, in: first.openTime..<last.closeTime, asOf: asOf)
    return JoinedCandles(prices: prices, volumes: volumes.map(\.candle))
  }
}
