/// Events on their way from those who make them to those who store and use them.
///
/// Every record reaches every group at least once; records of one key reach a group in the order in which they were
/// published, a repetition apart. A record that comes again has the same `id`, so that a store that writes by identity
/// is exact.
package protocol EventStream: AnyObject, Sendable {
  var name: String { get }
  var statistics: StreamStatistics { get }

  /// Takes the records over; waits while as many as may be are on their way. From then on the stream holds them until
  /// every group has acknowledged them, as long as this process lives.
  func publish(_ records: [StreamRecord]) async throws(StreamError)

  /// Waits until what was published is out of this process, as far as the stream has another place for it.
  func flush() async throws(StreamError)

  /// Waits until every group has acknowledged what was published here.
  func settle() async throws(StreamError)

  /// A member of a group. Groups are named when the stream is made.
  ///
  /// - Parameter name: of one process at a time; the one that comes back under it goes on at once.
  func consumer(group: String, name: String) async throws(StreamError) -> any StreamConsumer

  /// Does the work between `publish` and the groups until it is cancelled; whoever makes a stream runs it.
  ///
  /// What passes by itself, such as a server that is away, is counted and tried again; what does not is thrown.
  func run() async throws(StreamError)

  /// No more is published; waiting calls end with `closed`.
  func close() async
}

/// One of those who share the work of a group. It is used by one task at a time.
package protocol StreamConsumer: AnyObject, Sendable {
  /// The next records, at least one; waits for it. Empty when the stream has ended.
  func next(limit: Int) async throws(StreamError) -> [Delivery]

  /// They are stored and need not come again. May be called while another task waits in `next`.
  func acknowledge(_ deliveries: [Delivery]) async throws(StreamError)

  /// What was delivered and not acknowledged comes again, to another one or to the next of this name.
  func close() async
}

/// An event as it travels.
package struct StreamRecord: Hashable, Sendable {
  /// The same whenever this event is published, and of no other.
  package let id: String
  /// Records of one key keep their order; usually a symbol.
  package let key: String
  /// One JSON object.
  package let body: [UInt8]

  package static let longestName = 256
  package static let mostBytes = 256 << 10

  package init(id: String, key: String, body: [UInt8]) { (self.id, self.key, self.body) = (id, key, body) }

  func validate() throws(StreamError) {
    for (name, text) in [("id", id), ("key", key)] where !(1...Self.longestName).contains(text.utf8.count) {
      throw .badRecord(id: String(id.prefix(64)), reason: "its \(name) has \(text.utf8.count) bytes, not 1 to 256")
    }
    guard body.count <= Self.mostBytes else {
      throw .badRecord(id: id, reason: "it has \(body.count) bytes, more than \(Self.mostBytes)")
    }
  }
}

/// Where a record stands: in which part of a stream, and where there.
package struct StreamPosition: Hashable, Sendable {
  package let shard: String
  package let sequence: String

  package init(shard: String, sequence: String) { (self.shard, self.sequence) = (shard, sequence) }
}

package struct Delivery: Hashable, Sendable {
  package let record: StreamRecord
  package let position: StreamPosition
  /// 1 for the first time; more if it may have been worked on before.
  package let attempt: Int

  package init(record: StreamRecord, position: StreamPosition, attempt: Int) {
    (self.record, self.position, self.attempt) = (record, position, attempt)
  }
}

/// What a stream has seen in this process.
package struct StreamStatistics: Hashable, Sendable {
  package var published: UInt64 = 0
  /// Published here and not yet acknowledged by every group.
  package var held = 0
  /// Acknowledged by every group.
  package var settled: UInt64 = 0
  /// Sent once more, because they may have been lost.
  package var resent: UInt64 = 0
  package var delivered: UInt64 = 0
  /// Of them, those that were not delivered for the first time.
  package var redelivered: UInt64 = 0
  package var acknowledged: UInt64 = 0
  /// Put aside after too many attempts, or because they are not what a stream carries.
  package var deadLetters: UInt64 = 0
  /// Gone from the stream before they were acknowledged.
  package var trimmed: UInt64 = 0
  package var troubles: UInt64 = 0
  package var lastTrouble: StreamError?

  package init() {}
}
