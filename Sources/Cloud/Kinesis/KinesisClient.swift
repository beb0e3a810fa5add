internal import Crypto
internal import Market
package import Transport

/// Kinesis Data Streams over its JSON interface.
package struct KinesisClient: Sendable {
  /// Of one request, by the service; requests may be larger since 2025, servers like it may not know that.
  package static let mostEntries = 500
  package static let mostBytes = 5 << 20
  package static let mostEntryBytes = 1 << 20
  package static let mostRecords = 10_000

  let link: CloudLink

  package init(
    _ http: HTTPClient, _ access: CloudAccess, _ surroundings: Surroundings, backoff: Backoff = .init(),
    timeoutSeconds: Double = 30
  ) {
    link = CloudLink(
      http: http, access: access, service: .kinesis, surroundings: surroundings, backoff: backoff,
      timeoutSeconds: timeoutSeconds)
  }

  package var surroundings: Surroundings { link.surroundings }

  // MARK: Streams

  /// Returns before it can be used: its `summary` says when.
  package func createStream(_ stream: String, shards: Int) async throws(CloudError) {
    let body: [String: JSONTree] = ["StreamName": .text(stream), "ShardCount": .number(String(shards))]
    _ = try await send("CreateStream", stream, body)
  }

  package func summary(of stream: String) async throws(CloudError) -> KinesisSummary {
    let answer = try await call("DescribeStreamSummary", stream, ["StreamName": .text(stream)])
    let summary = answer["StreamDescriptionSummary"]
    guard let status = summary?["StreamStatus"]?.text, let hours = summary?["RetentionPeriodHours"]?.integer,
      let shards = summary?["OpenShardCount"]?.integer
    else { throw .malformed(.kinesis, "the summary of stream \(stream) lacks something") }
    return KinesisSummary(
      status: status.shown(20), retentionHours: Int(clamping: hours), openShards: Int(clamping: shards))
  }

  /// All that still have records or can get some.
  package func shards(of stream: String) async throws(CloudError) -> [KinesisShard] {
    var shards: [KinesisShard] = []
    var body: [String: JSONTree] = ["StreamName": .text(stream)]
    // More than any account may have.
    for _ in 0..<1000 {
      let answer = try await call("ListShards", stream, body)
      guard let page = KinesisShard.page(answer) else {
        throw .malformed(.kinesis, "the list of shards of stream \(stream) is none")
      }
      shards += page
      guard let token = answer["NextToken"]?.text, !token.isEmpty else { return shards }
      // With the stream's name beside it the token is refused.
      body = ["NextToken": .text(token)]
    }
    throw .malformed(.kinesis, "the list of shards of stream \(stream) does not end")
  }

  // MARK: Writing

  /// What became of each entry, in their order. One that failed has not stopped those behind it.
  package func put(_ entries: [KinesisEntry], into stream: String) async throws(CloudError) -> [KinesisPut] {
    try Self.check(entries, stream)
    if entries.isEmpty { return [] }
    let records = entries.map { entry in
      JSONTree.object(["Data": .text(Base64.text(of: entry.data)), "PartitionKey": .text(entry.key)])
    }
    let answer = try await call("PutRecords", stream, ["StreamName": .text(stream), "Records": .array(records)])
    guard let results = KinesisPut.results(answer), results.count == entries.count else {
      throw .malformed(.kinesis, "not one result for each of \(entries.count) records put into stream \(stream)")
    }
    return results
  }

  private static func check(_ entries: [KinesisEntry], _ stream: String) throws(CloudError) {
    guard entries.count <= mostEntries, entries.reduce(0, { $0 + $1.size }) <= mostBytes else {
      throw .invalid("stream \(stream): at most \(mostEntries) records and \(mostBytes) bytes go into one request")
    }
    for entry in entries {
      guard (1...256).contains(entry.key.unicodeScalars.count) else {
        throw .invalid("stream \(stream): a partition key has 1 to 256 characters, not '\(entry.key.shown(40))…'")
      }
      guard entry.size <= mostEntryBytes else {
        throw .invalid("stream \(stream): a record has at most \(mostEntryBytes) bytes, not \(entry.size)")
      }
    }
  }

  // MARK: Reading

  /// It is valid for five minutes.
  package func iterator(_ stream: String, shard: String, from start: KinesisStart) async throws(CloudError) -> String {
    var body: [String: JSONTree] = ["StreamName": .text(stream), "ShardId": .text(shard)]
    switch start {
    case .oldest: body["ShardIteratorType"] = "TRIM_HORIZON"
    case .at(let time):
      body["ShardIteratorType"] = "AT_TIMESTAMP"
      body["Timestamp"] = .number(time.epochSeconds)
    case .after(let sequence):
      body["ShardIteratorType"] = "AFTER_SEQUENCE_NUMBER"
      body["StartingSequenceNumber"] = .text(sequence.description)
    }
    guard let iterator = try await call("GetShardIterator", stream, body)["ShardIterator"]?.text, !iterator.isEmpty
    else { throw .malformed(.kinesis, "no iterator of shard \(shard) of stream \(stream)") }
    return iterator
  }

  /// Asked once: whoever polls comes back anyway, and knows when.
  ///
  /// - Parameters:
  ///   - iterator: used once; the batch has the next one.
  ///   - stream, shard: for messages.
  package func records(
    _ iterator: String, limit: Int = mostRecords, of stream: String, shard: String
  ) async throws(CloudError) -> KinesisBatch {
    let body: [String: JSONTree] = [
      "ShardIterator": .text(iterator), "Limit": .number(String(min(max(limit, 1), Self.mostRecords))),
    ]
    do throws(CloudError) {
      guard let batch = KinesisBatch(try await call("GetRecords", stream, body, isTriedOnce: true)) else {
        throw .malformed(.kinesis, "the records of shard \(shard) of stream \(stream) lack something")
      }
      return batch
    } catch .refused(_, _, code: "ExpiredIteratorException", _, _) {
      throw .expiredIterator(shard: shard)
    } catch {
      throw error
    }
  }

  // MARK: Calls

  private func call(
    _ operation: String, _ stream: String, _ body: [String: JSONTree], isTriedOnce: Bool = false
  ) async throws(CloudError) -> JSONTree {
    let answer = try await send(operation, stream, body, isTriedOnce: isTriedOnce)
    guard let tree = JSONTree(parsing: answer.body) else {
      throw .malformed(.kinesis, "the answer to \(operation) of stream \(stream) is no JSON")
    }
    return tree
  }

  func send(
    _ operation: String, _ stream: String, _ body: [String: JSONTree], isTriedOnce: Bool = false
  ) async throws(CloudError) -> HTTPAnswer {
    let request = CloudRequest(
      method: "POST",
      headers: [
        ("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "Kinesis_20131202.\(operation)"),
      ], body: JSONTree.object(body).bytes)
    return try await link.send(
      request, about: .stream(stream, action: "kinesis:\(operation)"), isTriedOnce: isTriedOnce)
  }
}

// MARK: - Answers

extension KinesisShard {
  static func page(_ answer: JSONTree) -> [KinesisShard]? {
    guard let elements = answer["Shards"]?.elements else { return nil }
    var shards: [KinesisShard] = []
    for element in elements {
      guard let id = element["ShardId"]?.text, (1...128).contains(id.utf8.count) else { return nil }
      let parents = ["ParentShardId", "AdjacentParentShardId"].compactMap { element[$0]?.text }
      let isClosed = element["SequenceNumberRange"]?["EndingSequenceNumber"]?.text != nil
      shards.append(KinesisShard(id: id, parents: parents, isClosed: isClosed))
    }
    return shards
  }
}

extension KinesisPut {
  static func results(_ answer: JSONTree) -> [KinesisPut]? {
    guard let elements = answer["Records"]?.elements else { return nil }
    var results: [KinesisPut] = []
    for element in elements {
      if let code = element["ErrorCode"]?.text {
        results.append(.failed(code: code.shown(100), message: (element["ErrorMessage"]?.text ?? "").shown(300)))
      } else {
        guard let shard = element["ShardId"]?.text,
          let sequence = element["SequenceNumber"]?.text.flatMap({ SequenceNumber($0) })
        else { return nil }
        results.append(.done(shard: shard, sequence: sequence))
      }
    }
    return results
  }
}

extension KinesisBatch {
  init?(_ answer: JSONTree) {
    guard let elements = answer["Records"]?.elements else { return nil }
    var records: [KinesisRecord] = []
    for element in elements {
      guard let sequence = element["SequenceNumber"]?.text.flatMap({ SequenceNumber($0) }),
        let key = element["PartitionKey"]?.text, let data = element["Data"]?.text.flatMap({ Base64.bytes(of: $0) })
      else { return nil }
      let arrived = element["ApproximateArrivalTimestamp"]?.double.flatMap { Timestamp(epochSeconds: $0) }
      records.append(KinesisRecord(sequence: sequence, key: key, data: data, arrived: arrived))
    }
    self.records = records
    next = answer["NextShardIterator"]?.text.flatMap { $0.isEmpty ? nil : $0 }
    millisecondsBehind = answer["MillisBehindLatest"]?.integer ?? 0
  }
}

extension Timestamp {
  /// With three places, as services tell times in JSON.
  var epochSeconds: String {
    let milliseconds = milliseconds
    let fraction = String(1000 + milliseconds - milliseconds.flooredQuotient(1000) * 1000).dropFirst()
    return "\(milliseconds.flooredQuotient(1000)).\(fraction)"
  }

  /// `nil` outside the years 1970 to 2200.
  init?(epochSeconds: Double) {
    guard epochSeconds >= 0, epochSeconds < 7_289_568_000 else { return nil }
    self.init(milliseconds: Int64((epochSeconds * 1000).rounded()))
  }
}
