internal import CZlib

/// One deflate stream inside a file, with or without a wrapper around it.
final class DeflateStream {
  /// Window bits as zlib wants them: they also tell the wrapper.
  enum Wrapper: Int32 {
    case none = -15
    case gzip = 31
  }

  /// The stream has ended; what the file holds behind it was not touched.
  private(set) var isAtEnd = false
  private let file: any PackedInput
  private let format: String
  private var input = [UInt8](repeating: 0, count: 1 << 17)
  private var inputPosition = 0
  private var inputCount = 0
  private var unread: Int
  // zlib keeps the address of its state, so it must not move.
  private let state: UnsafeMutablePointer<z_stream>

  /// At most `compressedSize` bytes are taken from the file's position on.
  init(_ file: any PackedInput, wrapper: Wrapper, format: String, compressedSize: Int) {
    (self.file, self.format, unread) = (file, format, compressedSize)
    state = .allocate(capacity: 1)
    state.initialize(to: z_stream())
    guard candlecast_inflate_init(state, wrapper.rawValue) == Z_OK else { fatalError("zlib cannot start") }
  }

  deinit {
    inflateEnd(state)
    state.deallocate()
  }

  var hasMoreInput: Bool { inputPosition < inputCount || unread > 0 }

  /// Begins another stream where the last one ended.
  func restart() {
    inflateReset(state)
    isAtEnd = false
  }

  func read(into output: inout [UInt8], from start: Int) throws(CompressionError) -> Int {
    while !isAtEnd {
      let produced = try step(into: &output, from: start)
      if produced > 0 { return produced }
      guard !isAtEnd, inputPosition == inputCount else { continue }
      guard try refill() else { throw .truncated(path: file.path, format: format) }
    }
    return 0
  }

  private func refill() throws(CompressionError) -> Bool {
    guard unread > 0 else { return false }
    (inputPosition, inputCount) = (0, min(try file.read(into: &input, from: 0), unread))
    unread -= inputCount
    return inputCount > 0
  }

  private func step(into output: inout [UInt8], from start: Int) throws(CompressionError) -> Int {
    let room = output.count - start
    let status = input.withUnsafeMutableBufferPointer { source in
      output.withUnsafeMutableBufferPointer { sink in
        state.pointee.next_in = source.baseAddress?.advanced(by: inputPosition)
        state.pointee.avail_in = UInt32(inputCount - inputPosition)
        state.pointee.next_out = sink.baseAddress?.advanced(by: start)
        state.pointee.avail_out = UInt32(room)
        return inflate(state, Z_NO_FLUSH)
      }
    }
    inputPosition = inputCount - Int(state.pointee.avail_in)
    switch status {
    case Z_STREAM_END: isAtEnd = true
    case Z_OK, Z_BUF_ERROR: break
    default:
      let reason = state.pointee.msg.map { String(cString: $0) } ?? "zlib status \(status)"
      throw .corrupt(path: file.path, format: format, reason: reason)
    }
    return room - Int(state.pointee.avail_out)
  }
}

/// CRC-32 as zip files carry it.
struct CRC32 {
  private(set) var value: UInt32 = 0

  mutating func update(_ bytes: ArraySlice<UInt8>) {
    value = bytes.withUnsafeBufferPointer { UInt32(crc32(UInt(value), $0.baseAddress, UInt32($0.count))) }
  }
}
