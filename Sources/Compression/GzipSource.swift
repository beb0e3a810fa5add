/// The contents of a gzip file of one or more members.
final class GzipSource: ByteSource {
  private let stream: DeflateStream

  init(_ file: any PackedInput) {
    stream = DeflateStream(file, wrapper: .gzip, format: "gzip", compressedSize: file.size)
  }

  func read(into buffer: inout [UInt8], from start: Int) throws(CompressionError) -> Int {
    while true {
      let count = try stream.read(into: &buffer, from: start)
      guard count == 0, stream.hasMoreInput else { return count }
      stream.restart()
    }
  }
}
