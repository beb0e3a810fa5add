/// How a piece of a file is compressed as a whole, inside a file that has a framing of its own.
package enum PackedBlock: Sendable {
  /// RFC 1951, without any wrapper.
  case deflate
  case zstd

  package func encode(_ bytes: [UInt8]) throws(CompressionError) -> [UInt8] {
    switch self {
    case .deflate:
      let output = OutputBytes()
      let encoder = DeflateEncoder(output, wrapper: .none, level: 6)
      try encoder.write(bytes[...])
      try encoder.finish()
      return output.bytes
    case .zstd:
      var output: [UInt8] = []
      _ = ZstdBlockEncoder().encode(bytes, onto: &output)
      return output
    }
  }

  /// - Parameters:
  ///   - name: what errors call the piece.
  ///   - limitBytes: more contents are an error, as soon as so many have come.
  package func decode(_ bytes: [UInt8], name: String, limitBytes: Int) throws(CompressionError) -> [UInt8] {
    let input = InputBytes(bytes, name: name)
    switch self {
    case .deflate:
      let stream = DeflateStream(input, wrapper: .none, format: "deflate", compressedSize: bytes.count)
      // What follows behind the end is passed over: fastavro leaves a part of zlib's checksum there.
      return try LimitedSource(DeflateSource(stream), path: name, limitBytes: limitBytes).readAll()
    case .zstd:
      let source = ZstdSource(input, largestWindowLog: Self.largestWindowLog)
      return try LimitedSource(source, path: name, limitBytes: limitBytes).readAll()
    }
  }

  /// 32 MiB: pieces are small, so only a hostile one asks for more.
  private static let largestWindowLog: Int32 = 25
}

/// One deflate stream and nothing else.
private final class DeflateSource: ByteSource {
  private let stream: DeflateStream

  init(_ stream: DeflateStream) { self.stream = stream }

  func read(into buffer: inout [UInt8], from start: Int) throws(CompressionError) -> Int {
    try stream.read(into: &buffer, from: start)
  }
}
