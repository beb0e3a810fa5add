package import Market
internal import Operations
internal import Synchronization

/// The newest feature vector of a running pipeline.
package struct FeatureMoment: Sendable, Hashable {
  /// The decision time: the close of the newest candle.
  package var time: Timestamp
  /// In the order of the feature set; NaN where a value is missing.
  package var vector: [Float]

  package init(time: Timestamp, vector: [Float]) { (self.time, self.vector) = (time, vector) }

  func json(_ schema: FeatureSchema, at now: Timestamp) -> JSONValue {
    [
      "time": .text(time.description), "age_seconds": JSONValue(Double(now.microseconds - time.microseconds) / 1e6),
      "feature_set": ["name": .text(schema.name), "hash": .text(schema.hash)],
      "names": .array(schema.names.map { .text($0) }),
      "features": .array(vector.map { .number(Double($0)) }),
    ]
  }
}

/// Where the newest vector is left and looked at, by different threads.
package final class FeatureBoard: Sendable {
  private let moment = Mutex<FeatureMoment?>(nil)

  package init() {}

  package var time: Timestamp? { moment.withLock { $0?.time } }

  package var newest: FeatureMoment? {
    get { moment.withLock { $0 } }
    set { moment.withLock { $0 = newValue } }
  }
}
