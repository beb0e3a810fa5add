package import Market

/// A part of a stream with an order of its own. Splitting and merging close shards and open others.
package struct KinesisShard: Hashable, Sendable {
  package let id: String
  /// Shards whose records come before this one's. They may be gone already.
  package let parents: [String]
  /// No more is written to it.
  package let isClosed: Bool
}

package struct KinesisSummary: Hashable, Sendable {
  /// `ACTIVE`, or `CREATING`, `UPDATING`, `DELETING`.
  package let status: String
  package let retentionHours: Int
  package let openShards: Int
}

/// Bytes to be put, under the key that chooses the shard.
package struct KinesisEntry: Hashable, Sendable {
  package let key: String
  package let data: [UInt8]

  package init(key: String, data: [UInt8]) { (self.key, self.data) = (key, data) }

  /// What counts against the limits.
  package var size: Int { data.count + key.utf8.count }
}

/// What became of one entry of several.
package enum KinesisPut: Hashable, Sendable {
  case done(shard: String, sequence: SequenceNumber)
  case failed(code: String, message: String)
}

package struct KinesisRecord: Hashable, Sendable {
  package let sequence: SequenceNumber
  package let key: String
  package let data: [UInt8]
  package let arrived: Timestamp?
}

/// An answer of a shard; it may be empty though there is more.
package struct KinesisBatch: Hashable, Sendable {
  package let records: [KinesisRecord]
  /// Where to go on; `nil` when a closed shard has been read to its end.
  package let next: String?
  package let millisecondsBehind: Int64
}

/// Where reading a shard begins.
package enum KinesisStart: Hashable, Sendable {
  case oldest
  case at(Timestamp)
  case after(SequenceNumber)
}
