package import Market

/// Where features and predictions stand in Redis, and for how long.
package struct FeatureCacheOptions: Hashable, Sendable {
  /// Points stand under `PREFIX:SYMBOL`.
  package var featuresKeyPrefix = "features"
  /// Where the newest prediction stands. `{symbol}`, or the name BTCUSDT, stands for the symbol.
  package var predictionKey = "prediction:BTCUSDT:latest"
  /// So many points of a symbol are kept.
  package var points = 10
  /// What nobody has renewed for so long is gone.
  package var timeToLive = Duration.seconds(3600)
  /// What is older is stale.
  package var mostAgeMilliseconds: Int64 = 5000
  /// A caller waits no longer for the cache.
  package var timeout = Duration.milliseconds(250)

  package init() {}

  package func featuresKey(_ symbol: Symbol) -> String { featuresKeyPrefix + ":" + symbol.name }

  package func predictionKey(_ symbol: Symbol) -> String {
    let place = predictionKey.contains("{symbol}") ? "{symbol}" : Symbol.btcusdt.name
    return predictionKey.replacing(place, with: symbol.name)
  }
}

extension String {
  /// Every occurrence.
  fileprivate func replacing(_ word: String, with other: String) -> String {
    var (result, rest) = ("", self[...])
    while !rest.isEmpty {
      if rest.hasPrefix(word) {
        result += other
        rest = rest.dropFirst(word.count)
      } else {
        result.append(rest.removeFirst())
      }
    }
    return result
  }
}
