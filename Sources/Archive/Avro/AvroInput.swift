internal import Compression

/// The bytes of a file outside of its blocks.
final class AvroInput {
  let name: String
  /// Of the next byte, in the file.
  private(set) var offset = 0
  private let source: any ByteSource
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)
  private var position = 0
  private var filled = 0

  init(_ source: any ByteSource, name: String) { (self.source, self.name) = (source, name) }

  func isAtEnd() throws(AvroError) -> Bool { try !fill() }

  /// So many bytes, or as many as there are.
  func take(upTo count: Int) throws(AvroError) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count, try fill() {
      let part = min(count - bytes.count, filled - position)
      bytes += buffer[position..<position + part]
      position += part
      offset += part
    }
    return bytes
  }

  func take(_ count: Int) throws(AvroError) -> [UInt8] {
    let bytes = try take(upTo: count)
    guard bytes.count == count else { throw .truncated(file: name, offset: offset) }
    return bytes
  }

  func long() throws(AvroError) -> Int64 {
    let start = offset
    var (raw, shift): (UInt64, UInt64) = (0, 0)
    while true {
      guard try fill() else { throw .truncated(file: name, offset: offset) }
      let byte = buffer[position]
      position += 1
      offset += 1
      guard shift < 63 || byte <= 1 else {
        throw .damaged(file: name, offset: start, reason: "a number has more than 64 bits")
      }
      raw |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return Int64(bitPattern: raw >> 1 ^ (0 &- raw & 1)) }
      shift += 7
    }
  }

  /// The entries of the header, a map of bytes.
  func header() throws(AvroError) -> [String: [UInt8]] {
    var entries: [String: [UInt8]] = [:]
    var rest = AvroFile.largestHeader
    while true {
      var count = try long()
      if count == 0 { return entries }
      if count < 0 {
        _ = try long()
        count = count == .min ? .max : -count
      }
      guard count <= Int64(AvroFile.mostHeaderEntries - entries.count) else {
        throw .damaged(
          file: name, offset: offset, reason: "its header has more than \(AvroFile.mostHeaderEntries) entries")
      }
      for _ in 0..<count {
        let key = try bytes(&rest)
        entries[String(decoding: key, as: UTF8.self)] = try bytes(&rest)
      }
    }
  }

  private func bytes(_ rest: inout Int) throws(AvroError) -> [UInt8] {
    let count = try long()
    guard count >= 0, count <= Int64(rest) else {
      throw .damaged(file: name, offset: offset, reason: "its header has more than \(AvroFile.largestHeader) bytes")
    }
    rest -= Int(count)
    return try take(Int(count))
  }

  /// At least one byte is in the buffer, unless this is the end.
  private func fill() throws(AvroError) -> Bool {
    guard position == filled else { return true }
    do throws(CompressionError) { filled = try source.read(into: &buffer, from: 0) } catch { throw .unpacking(error) }
    position = 0
    return filled > 0
  }
}
