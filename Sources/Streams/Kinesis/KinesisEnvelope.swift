internal import Cloud
internal import Redis

/// How a record stands in Kinesis: its key is the partition key, its body the data, and its id the last member of that
/// object. Readers that do not know the member pass over it.
enum KinesisEnvelope {
  private static let member: StaticString = "event_id"
  /// What producers of Amazon's own library put together begins so.
  private static let aggregate: [UInt8] = [0xF3, 0x89, 0x9A, 0xC2]

  static func entry(_ record: StreamRecord) throws(StreamError) -> KinesisEntry {
    guard record.body.first == UInt8(ascii: "{"), record.body.last == UInt8(ascii: "}") else {
      throw .badRecord(id: String(record.id.prefix(64)), reason: "its body is no JSON object")
    }
    return KinesisEntry(key: record.key, data: Array(record.body.dropLast()) + ending(record))
  }

  enum Content {
    case record(StreamRecord)
    /// Not what a stream carries.
    case foreign(reason: String)
  }

  /// Records of other producers have the place as their id.
  static func content(_ record: KinesisRecord, shard: String) -> Content {
    if record.data.starts(with: aggregate) { return .foreign(reason: "several records in one, which is not read") }
    guard record.data.first == UInt8(ascii: "{"), record.data.count <= StreamRecord.mostBytes + 1024 else {
      return .foreign(reason: "no JSON object of at most \(StreamRecord.mostBytes) bytes")
    }
    let found = own(record) ?? StreamRecord(id: "\(shard):\(record.sequence)", key: record.key, body: record.data)
    do throws(StreamError) { try found.validate() } catch { return .foreign(reason: error.description) }
    return .record(found)
  }

  /// `nil` if it was not written by `entry`.
  private static func own(_ record: KinesisRecord) -> StreamRecord? {
    guard let members = try? JSONMembers(record.data, limit: record.data.count), let id = try? members.text(member),
      !id.isEmpty
    else { return nil }
    let plain = StreamRecord(id: id, key: record.key, body: [UInt8(ascii: "{"), UInt8(ascii: "}")])
    for candidate in [ending(plain, isFirst: false), ending(plain, isFirst: true)] {
      guard record.data.count > candidate.count, record.data.suffix(candidate.count).elementsEqual(candidate) else {
        continue
      }
      let body = record.data.dropLast(candidate.count) + [UInt8(ascii: "}")]
      return StreamRecord(id: id, key: record.key, body: Array(body))
    }
    return nil
  }

  private static func ending(_ record: StreamRecord) -> [UInt8] {
    let isEmpty = record.body.dropFirst().dropLast().allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
    return ending(record, isFirst: isEmpty)
  }

  private static func ending(_ record: StreamRecord, isFirst: Bool) -> [UInt8] {
    var text = JSONText()
    text.add(member, record.id)
    return (isFirst ? [] : Array(", ".utf8)) + text.bytes.dropFirst()
  }
}
