package import Market
internal import Operations
internal import Synchronization

/// A feature vector of a running pipeline.
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
      "names": .array(schema.names.map { .text($0) }), "features": values,
    ]
  }

  /// Without what is the same for all of one feature set.
  var json: JSONValue { ["time": .text(time.description), "features": values] }

  private var values: JSONValue { .array(vector.map { .number(Double($0)) }) }
}

/// Where the newest vectors are left and looked at, by different threads.
package final class FeatureBoard: Sendable {
  private let capacity: Int
  /// Oldest first.
  private let moments = Mutex<[FeatureMoment]>([])

  /// - Parameter capacity: vectors that are kept, at least one.
  package init(capacity: Int = 100) { self.capacity = max(1, capacity) }

  package var time: Timestamp? { newest?.time }

  package var newest: FeatureMoment? { moments.withLock(\.last) }

  package func note(_ moment: FeatureMoment) {
    moments.withLock { moments in
      moments.append(moment)
      if moments.count > capacity { moments.removeFirst() }
    }
  }

  /// As many as there are, oldest first.
  func newest(_ count: Int) -> [FeatureMoment] { moments.withLock { Array($0.suffix(count)) } }
}
