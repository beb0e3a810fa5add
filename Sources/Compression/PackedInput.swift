/// Bytes of a known number that can be read from anywhere: a file, or an answer held in memory.
package protocol PackedInput: AnyObject {
  /// What errors call it.
  var path: String { get }
  /// In bytes.
  var size: Int { get }
  /// Bytes read so far, or where the last seek went.
  var position: Int { get }
  func seek(to offset: Int)
  /// Bytes put into `buffer` from `start` on; 0 at the end.
  func read(into buffer: inout [UInt8], from start: Int) throws(CompressionError) -> Int
}

extension InputFile: PackedInput {}

extension PackedInput {
  /// Exactly the bytes of a range, or `nil` if there are not so many.
  package func bytes(at offset: Int, count: Int) throws(CompressionError) -> [UInt8]? {
    guard offset >= 0, count >= 0, offset <= size, count <= size - offset else { return nil }
    guard count > 0 else { return [] }
    var result = [UInt8](repeating: 0, count: count)
    var filled = 0
    seek(to: offset)
    while filled < count {
      let more = try read(into: &result, from: filled)
      guard more > 0 else { return nil }
      filled += more
    }
    return result
  }

  /// The contents, unpacked as the first bytes say. A zip must hold exactly one file.
  package func unpacked() throws(CompressionError) -> any ByteSource {
    let start = try bytes(at: 0, count: min(4, size)) ?? []
    seek(to: 0)
    switch Packing(firstBytes: start) {
    case .plain: return PlainSource(self)
    case .gzip: return GzipSource(self)
    case .zip: return try ZipSource(self)
    case .zstd: return ZstdSource(self)
    }
  }

  /// As `unpacked()`, but contents of more than `limitBytes` are an error, as soon as so many have come.
  package func unpacked(limitBytes: Int) throws(CompressionError) -> any ByteSource {
    LimitedSource(try unpacked(), path: path, limitBytes: limitBytes)
  }
}

/// Bytes in memory, such as a zip that was fetched.
package final class InputBytes: PackedInput {
  package let path: String
  package private(set) var position = 0
  private let contents: [UInt8]

  /// - Parameter name: what errors call it.
  package init(_ contents: [UInt8], name: String) { (self.contents, path) = (contents, name) }

  package var size: Int { contents.count }

  package func seek(to offset: Int) { position = max(0, min(offset, contents.count)) }

  package func read(into buffer: inout [UInt8], from start: Int) -> Int {
    let count = min(buffer.count - start, contents.count - position)
    buffer.replaceSubrange(start..<start + count, with: contents[position..<position + count])
    position += count
    return count
  }
}

/// Contents that are not packed.
final class PlainSource: ByteSource {
  private let input: any PackedInput

  init(_ input: any PackedInput) { self.input = input }

  func read(into buffer: inout [UInt8], from start: Int) throws(CompressionError) -> Int {
    try input.read(into: &buffer, from: start)
  }
}

/// Ends with an error what would unpack to more than was agreed.
final class LimitedSource: ByteSource {
  private let source: any ByteSource
  private let path: String
  private let limitBytes: Int
  private var produced = 0

  init(_ source: any ByteSource, path: String, limitBytes: Int) {
    (self.source, self.path, self.limitBytes) = (source, path, limitBytes)
  }

  func read(into buffer: inout [UInt8], from start: Int) throws(CompressionError) -> Int {
    let count = try source.read(into: &buffer, from: start)
    guard count <= limitBytes - produced else { throw .tooLarge(path: path, limitBytes: limitBytes) }
    produced += count
    return count
  }
}

extension ByteSource {
  /// Everything that is left.
  package func readAll() throws(CompressionError) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    var contents: [UInt8] = []
    while true {
      let count = try read(into: &buffer, from: 0)
      guard count > 0 else { return contents }
      contents += buffer[..<count]
    }
  }
}
