import Dispatch
import Storage
import Streams

/// Checkpoints of a stream in the store, which is asked on a thread that may wait.
final class StoredCheckpoints: CheckpointStore {
  private let queue = DispatchQueue(label: "checkpoints")
  private let table: Table

  /// `@unchecked` because a store is not `Sendable`: only the queue touches it.
  private final class Table: @unchecked Sendable {
    let rows: any StreamCheckpoints

    init(_ rows: any StreamCheckpoints) { self.rows = rows }
  }

  /// - Parameter open: gives a store that nobody else uses.
  init(_ open: () throws -> any StreamCheckpoints) rethrows { table = Table(try open()) }

  func leases(stream: String, group: String) async throws(StreamError) -> [ShardLease] {
    let rows = try await ask(stream) { try $0.checkpoints(stream: stream, group: group) }
    var leases: [ShardLease] = []
    for row in rows {
      guard let checkpoint = ShardCheckpoint(text: row.position) else {
        throw .unavailable(
          stream: stream,
          reason: "the checkpoint of \(row.shard) in the store, \(row.position.debugDescription), is none",
          isTransient: false)
      }
      leases.append(
        ShardLease(shard: row.shard, owner: row.owner, counter: row.counter, checkpoint: checkpoint))
    }
    return leases
  }

  func write(
    _ lease: ShardLease, stream: String, group: String, replacing counter: Int64?
  ) async throws(StreamError) -> Bool {
    let row = StreamCheckpoint(
      shard: lease.shard, owner: lease.owner, counter: lease.counter, position: lease.checkpoint.text)
    return try await ask(stream) { try $0.write(row, stream: stream, group: group, replacing: counter) }
  }

  private func ask<Value: Sendable>(
    _ stream: String, _ question: @escaping @Sendable (any StreamCheckpoints) throws -> Value
  ) async throws(StreamError) -> Value {
    let table = table
    let answer: Result<Value, any Error> = await withCheckedContinuation { continuation in
      queue.async { continuation.resume(returning: Result { try question(table.rows) }) }
    }
    do {
      return try answer.get()
    } catch {
      throw .unavailable(
        stream: stream, reason: "its checkpoints: \(error)", isTransient: (error as? StoreError)?.mayPass ?? false)
    }
  }
}

extension StoreError {
  /// The same question may be answered later.
  fileprivate var mayPass: Bool {
    switch self {
    case .unavailable, .failed, .locked, .diskFull: true
    default: false
    }
  }
}
