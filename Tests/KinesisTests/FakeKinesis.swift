import Crypto
import Market
import Synchronization
import Transport

@testable import Cloud

/// A small Kinesis with what moto lacks: failures of single records, throttling, iterators that expire, answers that
/// are lost, and shards that split and merge.
final class FakeKinesis: HTTPHandler {
  struct Faults {
    /// Each in one of so many calls or records; 0 is never.
    var failedRecord: UInt64 = 0
    var throttled: UInt64 = 0
    var internalFailure: UInt64 = 0
    var lostAnswer: UInt64 = 0
    var expiredIterator: UInt64 = 0
    var emptyBatch: UInt64 = 0
  }

  struct Record {
    let sequence: UInt128
    let key: String
    let data: String
    let milliseconds: Int64
  }

  private struct Shard {
    let id: String
    let parents: [String]
    let range: ClosedRange<UInt64>
    var isClosed = false
    var records: [Record] = []
  }

  private struct State {
    var shards: [Shard] = []
    // The tenth number is one digit longer than those before.
    var nextSequence: UInt128 = 99_999_999_999_999_999_990
    var milliseconds: Int64 = 1_790_000_000_000
    var random: SplitMix64
    var faults = Faults()
    var puts: [[(key: String, data: [UInt8])]] = []
    var calls: [String: Int] = [:]
    /// Answers to give before anything else, by operation.
    var scripted: [String: [ServerResponse]] = [:]

    mutating func chance(_ oneIn: UInt64) -> Bool { oneIn > 0 && random.next() % oneIn == 0 }
  }

  static let stream = "ticks"
  private let state: Mutex<State>

  init(shards: Int, seed: UInt64 = 1, _ faults: Faults = Faults()) {
    var state = State(random: SplitMix64(seed: seed))
    state.faults = faults
    let width = UInt64.max / UInt64(shards)
    for number in 0..<shards {
      let first = number == 0 ? 0 : UInt64(number) * width + 1
      let last = number == shards - 1 ? .max : UInt64(number + 1) * width
      state.shards.append(Shard(id: Self.id(number), parents: [], range: first...last))
    }
    self.state = Mutex(state)
  }

  private static func id(_ number: Int) -> String {
    "shardId-" + String(String(1_000_000_000_000 + number).dropFirst())
  }

  // MARK: What a test sees and does

  /// Keys and data of each request that was answered in full or in part.
  var puts: [[(key: String, data: [UInt8])]] { state.withLock { $0.puts } }
  func calls(_ operation: String) -> Int { state.withLock { $0.calls[operation] ?? 0 } }
  var shardIds: [String] { state.withLock { $0.shards.map(\.id) } }
  var recordCount: Int { state.withLock { $0.shards.reduce(0) { $0 + $1.records.count } } }

  func set(_ faults: Faults) { state.withLock { $0.faults = faults } }
  func answer(_ operation: String, with answers: [ServerResponse]) {
    state.withLock { $0.scripted[operation, default: []] += answers }
  }

  /// What another producer has written.
  func add(_ bytes: [UInt8], key: String, milliseconds: Int64 = 1_790_000_000_000) {
    state.withLock { state in
      state.milliseconds = milliseconds
      _ = Self.append(&state, key: key, data: Base64.text(of: bytes))
    }
  }

  /// A random open shard is split, or a random pair of neighbours is merged.
  func reshard() {
    state.withLock { state in
      let open = state.shards.indices.filter { !state.shards[$0].isClosed }
        .sorted { state.shards[$0].range.lowerBound < state.shards[$1].range.lowerBound }
      if open.count > 1, state.random.next().isMultiple(of: 2) {
        let index = Int(state.random.next() % UInt64(open.count - 1))
        Self.merge(&state, open[index], open[index + 1])
      } else {
        Self.split(&state, open[Int(state.random.next() % UInt64(open.count))])
      }
    }
  }

  private static func split(_ state: inout State, _ index: Int) {
    let shard = state.shards[index]
    let middle = shard.range.lowerBound + (shard.range.upperBound - shard.range.lowerBound) / 2
    state.shards[index].isClosed = true
    for range in [shard.range.lowerBound...middle, middle + 1...shard.range.upperBound] {
      state.shards.append(Shard(id: id(state.shards.count), parents: [shard.id], range: range))
    }
  }

  private static func merge(_ state: inout State, _ first: Int, _ second: Int) {
    let (lower, upper) = (state.shards[first], state.shards[second])
    state.shards[first].isClosed = true
    state.shards[second].isClosed = true
    state.shards.append(
      Shard(
        id: id(state.shards.count), parents: [lower.id, upper.id],
        range: lower.range.lowerBound...upper.range.upperBound))
  }

  // MARK: Serving

  func handle(_ request: ServerRequest, _ reply: ServerReply) {
    let operation = (request.header("x-amz-target") ?? "").split(separator: ".").last.map(String.init) ?? ""
    let body = JSONTree(parsing: request.body) ?? .null
    let response = state.withLock { state in
      state.calls[operation, default: 0] += 1
      if var scripted = state.scripted[operation], !scripted.isEmpty {
        defer { state.scripted[operation] = scripted }
        return scripted.removeFirst()
      }
      return Self.answer(&state, operation, body)
    }
    reply.send(response)
  }

  private static func answer(_ state: inout State, _ operation: String, _ body: JSONTree) -> ServerResponse {
    if let name = body["StreamName"]?.text, name != stream { return error("ResourceNotFoundException") }
    if state.chance(state.faults.throttled) { return error("ProvisionedThroughputExceededException") }
    if state.chance(state.faults.internalFailure) { return error("InternalFailure", status: 500) }
    let isLost = state.chance(state.faults.lostAnswer)
    var response: ServerResponse
    switch operation {
    case "ListShards": response = json(listShards(state))
    case "PutRecords": response = json(putRecords(&state, body))
    case "GetShardIterator": response = iterator(state, body)
    case "GetRecords": response = getRecords(&state, body)
    default: response = error("UnknownOperationException")
    }
    if isLost { response.cutAfterBytes = 0 }
    return response
  }

  private static func error(_ type: String, status: Int = 400) -> ServerResponse {
    ServerResponse(status: status, body: JSONTree.object(["__type": .text(type), "message": "words"]).bytes)
  }

  private static func json(_ tree: JSONTree) -> ServerResponse { ServerResponse(body: tree.bytes) }

  private static func listShards(_ state: State) -> JSONTree {
    let shards = state.shards.map { shard in
      var range: [String: JSONTree] = ["StartingSequenceNumber": "0"]
      if shard.isClosed { range["EndingSequenceNumber"] = .text("\(shard.records.last?.sequence ?? 0)") }
      var members: [String: JSONTree] = ["ShardId": .text(shard.id), "SequenceNumberRange": .object(range)]
      if let parent = shard.parents.first { members["ParentShardId"] = .text(parent) }
      if shard.parents.count > 1 { members["AdjacentParentShardId"] = .text(shard.parents[1]) }
      return JSONTree.object(members)
    }
    return .object(["Shards": .array(shards)])
  }

  private static func putRecords(_ state: inout State, _ body: JSONTree) -> JSONTree {
    var results: [JSONTree] = []
    var put: [(key: String, data: [UInt8])] = []
    for record in body["Records"]?.elements ?? [] {
      let (key, data) = (record["PartitionKey"]?.text ?? "", record["Data"]?.text ?? "")
      put.append((key, Base64.bytes(of: data) ?? []))
      if state.chance(state.faults.failedRecord) {
        results.append(
          .object(["ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded"]))
      } else {
        let (shard, sequence) = append(&state, key: key, data: data)
        results.append(.object(["ShardId": .text(shard), "SequenceNumber": .text("\(sequence)")]))
      }
    }
    state.puts.append(put)
    return .object(["FailedRecordCount": 0, "Records": .array(results)])
  }

  private static func append(_ state: inout State, key: String, data: String) -> (shard: String, sequence: UInt128) {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in key.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    let index = state.shards.firstIndex { !$0.isClosed && $0.range.contains(hash) } ?? 0
    let sequence = state.nextSequence
    state.nextSequence += 1
    state.shards[index].records.append(
      Record(sequence: sequence, key: key, data: data, milliseconds: state.milliseconds))
    return (state.shards[index].id, sequence)
  }

  private static func iterator(_ state: State, _ body: JSONTree) -> ServerResponse {
    guard let id = body["ShardId"]?.text, let shard = state.shards.first(where: { $0.id == id }) else {
      return error("ResourceNotFoundException")
    }
    var start = 0
    switch body["ShardIteratorType"]?.text {
    case "AFTER_SEQUENCE_NUMBER":
      let sequence = body["StartingSequenceNumber"]?.text.flatMap { UInt128($0) } ?? 0
      start = shard.records.firstIndex { $0.sequence > sequence } ?? shard.records.count
    case "AT_TIMESTAMP":
      let time = Int64(((body["Timestamp"]?.double ?? 0) * 1000).rounded())
      start = shard.records.firstIndex { $0.milliseconds >= time } ?? shard.records.count
    default: break
    }
    return json(.object(["ShardIterator": .text("\(id) \(start)\n")]))
  }

  private static func getRecords(_ state: inout State, _ body: JSONTree) -> ServerResponse {
    if state.chance(state.faults.expiredIterator) { return error("ExpiredIteratorException") }
    let parts = (body["ShardIterator"]?.text ?? "").dropLast().split(separator: " ")
    guard parts.count == 2, let start = Int(parts[1]), let shard = state.shards.first(where: { $0.id == parts[0] })
    else { return error("InvalidArgumentException") }
    let limit = state.chance(state.faults.emptyBatch) ? 0 : Int(body["Limit"]?.integer ?? 10)
    let records = shard.records[start...].prefix(limit)
    let end = start + records.count
    var members: [String: JSONTree] = [
      "Records": .array(
        records.map { record in
          .object([
            "SequenceNumber": .text("\(record.sequence)"), "PartitionKey": .text(record.key),
            "Data": .text(record.data), "ApproximateArrivalTimestamp": .number("\(Double(record.milliseconds) / 1000)"),
          ])
        }), "MillisBehindLatest": end < shard.records.count ? 1000 : 0,
    ]
    if !(shard.isClosed && end == shard.records.count) {
      members["NextShardIterator"] = .text("\(shard.id) \(end)\n")
    }
    return json(.object(members))
  }
}
