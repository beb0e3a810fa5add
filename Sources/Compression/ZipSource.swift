/// The contents of the only file in a zip, checked against the size and CRC-32 of the central directory.
final class ZipSource: ByteSource {
  private let file: any PackedInput
  private let entry: ZipEntry
  private let stream: DeflateStream?
  private var checksum = CRC32()
  private var produced = 0

  init(_ file: any PackedInput) throws(CompressionError) {
    let entries = try ZipDirectory.entries(of: file)
    guard entries.count == 1, let entry = entries.first else {
      let reason = "it holds \(entries.count) files; unpack it and import them by name"
      throw .unsupported(path: file.path, format: "zip", reason: reason)
    }
    (self.file, self.entry) = (file, entry)
    file.seek(to: try ZipDirectory.dataOffset(of: entry, in: file))
    stream =
      entry.isDeflated
      ? DeflateStream(file, wrapper: .none, format: "zip", compressedSize: entry.compressedSize) : nil
  }

  func read(into buffer: inout [UInt8], from start: Int) throws(CompressionError) -> Int {
    let count = try next(into: &buffer, from: start)
    produced += count
    guard produced <= entry.size else { throw damaged("it holds more than its directory says") }
    checksum.update(buffer[start..<start + count])
    guard count == 0 else { return count }
    guard produced == entry.size, stream?.hasMoreInput != true else { throw damaged("a size differs") }
    guard checksum.value == entry.checksum else { throw damaged("the CRC-32 differs") }
    return 0
  }

  private func next(into buffer: inout [UInt8], from start: Int) throws(CompressionError) -> Int {
    if let stream { return try stream.read(into: &buffer, from: start) }
    guard produced < entry.size else { return 0 }
    let count = min(try file.read(into: &buffer, from: start), entry.size - produced)
    guard count > 0 else { throw .truncated(path: file.path, format: "zip") }
    return count
  }

  private func damaged(_ reason: String) -> CompressionError {
    .corrupt(path: file.path, format: "zip", reason: reason)
  }
}
