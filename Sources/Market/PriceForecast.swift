/// What a prediction of the tick cadence says of the price itself.
package struct PriceForecast: Hashable, Sendable {
  /// Where the inputs came from.
  package enum Source: String, Hashable, Sendable, CaseIterable {
    /// The stream that this process follows.
    case direct
    /// Another process, over Redis.
    case redis
    /// Requests, because the stream was silent.
    case fallback
  }

  /// Of the last trade.
  package var current: Double?
  package var predicted: Double?
  /// Four of five outcomes lie between these two; `nil` where that is not known of a model.
  package var low: Double?
  package var high: Double?
  package var inputAgeMilliseconds: Int64?
  package var source: Source

  package init(
    current: Double? = nil, predicted: Double? = nil, low: Double? = nil, high: Double? = nil,
    inputAgeMilliseconds: Int64? = nil, source: Source
  ) {
    (self.current, self.predicted, self.low, self.high) = (current, predicted, low, high)
    (self.inputAgeMilliseconds, self.source) = (inputAgeMilliseconds, source)
  }
}
