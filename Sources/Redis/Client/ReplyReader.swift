internal import CRedis

/// Makes values of a stream of bytes, of bounded size and depth.
final class ReplyReader {
  enum Trouble: Error, Equatable {
    case malformed(String)
    case tooLarge
  }

  private let reader: UnsafeMutablePointer<redisReader>
  private let mostBytes: Int
  /// Since the last whole reply.
  private var bytes = 0

  init?(mostBytes: Int) {
    guard let reader = candlecast_redis_reader() else { return nil }
    (self.reader, self.mostBytes) = (reader, mostBytes)
  }

  deinit { redisReaderFree(reader) }

  func feed(_ chunk: UnsafeRawBufferPointer) throws(Trouble) {
    bytes += chunk.count
    guard redisReaderFeed(reader, chunk.baseAddress?.assumingMemoryBound(to: CChar.self), chunk.count) == REDIS_OK
    else { throw trouble }
  }

  /// `nil` until a whole reply is there. Errors in it are texts as the server sent them.
  func next() throws(Trouble) -> Reply? {
    var object: UnsafeMutableRawPointer?
    guard redisReaderGetReply(reader, &object) == REDIS_OK else { throw trouble }
    guard let object else {
      guard bytes <= mostBytes else { throw .tooLarge }
      return nil
    }
    defer { freeReplyObject(object) }
    bytes = reader.pointee.len - reader.pointee.pos
    return Reply(object.assumingMemoryBound(to: redisReply.self).pointee)
  }

  private var trouble: Trouble {
    if reader.pointee.err == REDIS_ERR_OOM { return .tooLarge }
    return .malformed(
      withUnsafeBytes(of: reader.pointee.errstr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
  }
}

/// An answer as it is read, before it is known which command it belongs to.
indirect enum Reply: Equatable {
  case null
  case integer(Int64)
  case status(String)
  case bytes([UInt8])
  case array([Reply])
  case error(String)

  /// The reader's depth bounds the recursion.
  fileprivate init(_ reply: redisReply) {
    let text = UnsafeRawBufferPointer(start: reply.str, count: reply.str == nil ? 0 : Int(reply.len))
    switch reply.type {
    case REDIS_REPLY_INTEGER: self = .integer(reply.integer)
    case REDIS_REPLY_STATUS: self = .status(String(decoding: text, as: UTF8.self))
    case REDIS_REPLY_STRING: self = .bytes(Array(text))
    case REDIS_REPLY_ERROR: self = .error(String(decoding: text, as: UTF8.self))
    case REDIS_REPLY_ARRAY:
      self = .array((0..<Int(reply.elements)).map { reply.element?[$0].map { Reply($0.pointee) } ?? .null })
    default: self = .null
    }
  }

  func value(of command: String, from address: RedisAddress) -> RedisValue {
    switch self {
    case .null: .null
    case .integer(let value): .integer(value)
    case .status(let value): .status(value)
    case .bytes(let value): .bytes(value)
    case .array(let values): .array(values.map { $0.value(of: command, from: address) })
    case .error(let text): .error(RedisError(answer: text, to: command, from: address))
    }
  }
}
