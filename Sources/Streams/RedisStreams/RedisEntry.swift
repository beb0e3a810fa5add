internal import Redis

/// An entry of a Redis stream as a member of a group reads it.
struct RedisEntry {
  enum Content {
    case record(StreamRecord)
    /// It was trimmed away before it was acknowledged.
    case gone
    /// Somebody else's fields.
    case foreign(reason: String)
  }

  let id: EntryID
  let content: Content

  /// The fields of a record.
  static func fields(_ record: StreamRecord) -> [RedisCommand.Argument] {
    ["id", .init(record.id), "key", .init(record.key), "data", .init(bytes: record.body)]
  }

  /// `nil` if it is no entry.
  init?(_ value: RedisValue) {
    guard let parts = value.array, parts.count == 2, let id = parts[0].text.flatMap({ EntryID($0) }) else { return nil }
    self.id = id
    guard let fields = parts[1].array, !fields.isEmpty else {
      content = .gone
      return
    }
    content = Self.content(fields)
  }

  private static func content(_ fields: [RedisValue]) -> Content {
    var (id, key, body): (String?, String?, [UInt8]?)
    for index in stride(from: 0, to: fields.count - 1, by: 2) {
      switch fields[index].text {
      case "id": id = fields[index + 1].text
      case "key": key = fields[index + 1].text
      case "data": body = fields[index + 1].bytes
      default: break
      }
    }
    guard let id, let key, let body else { return .foreign(reason: "it has no id, key and data") }
    let record = StreamRecord(id: id, key: key, body: body)
    do throws(StreamError) { try record.validate() } catch { return .foreign(reason: "\(error)") }
    return .record(record)
  }

  /// The entries of each stream that XREADGROUP answers with, by the streams' keys.
  static func read(_ answer: RedisValue) -> [(key: String, entries: [RedisEntry])]? {
    if answer.isNull { return [] }
    guard let streams = answer.array else { return nil }
    var result: [(String, [RedisEntry])] = []
    for stream in streams {
      guard let parts = stream.array, parts.count == 2, let key = parts[0].text, let entries = parts[1].array else {
        return nil
      }
      let read = entries.compactMap { RedisEntry($0) }
      guard read.count == entries.count else { return nil }
      result.append((key, read))
    }
    return result
  }
}
