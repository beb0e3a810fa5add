internal import CZlib

/// One deflate stream being written, with or without a wrapper around it.
final class DeflateEncoder {
  // zlib keeps the address of its state, so it must not move.
  private let state: UnsafeMutablePointer<z_stream>
  private let sink: any ByteSink
  private var output = [UInt8](repeating: 0, count: 1 << 16)
  /// Compressed bytes handed to the sink.
  private(set) var written = 0

  init(_ sink: any ByteSink, wrapper: DeflateStream.Wrapper, level: Int32) {
    self.sink = sink
    state = .allocate(capacity: 1)
    state.initialize(to: z_stream())
    guard candlecast_deflate_init(state, level, wrapper.rawValue) == Z_OK else { fatalError("zlib cannot start") }
  }

  deinit {
    deflateEnd(state)
    state.deallocate()
  }

  func write(_ bytes: ArraySlice<UInt8>) throws(CompressionError) {
    var rest = bytes
    while !rest.isEmpty {
      let part = rest.prefix(1 << 20)
      try run(part, Z_NO_FLUSH)
      rest = rest.dropFirst(part.count)
    }
  }

  func flush() throws(CompressionError) { try run([], Z_SYNC_FLUSH) }

  func finish() throws(CompressionError) { try run([], Z_FINISH) }

  private func run(_ bytes: ArraySlice<UInt8>, _ mode: Int32) throws(CompressionError) {
    var consumed = 0
    while true {
      let produced = step(bytes, from: &consumed, mode)
      try sink.write(output[..<produced])
      written += produced
      guard produced == output.count || consumed < bytes.count else { return }
    }
  }

  private func step(_ bytes: ArraySlice<UInt8>, from consumed: inout Int, _ mode: Int32) -> Int {
    bytes.withUnsafeBufferPointer { source in
      output.withUnsafeMutableBufferPointer { sink in
        state.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)?.advanced(by: consumed)
        state.pointee.avail_in = UInt32(source.count - consumed)
        state.pointee.next_out = sink.baseAddress
        state.pointee.avail_out = UInt32(sink.count)
        guard deflate(state, mode) != Z_STREAM_ERROR else { fatalError("zlib lost its state") }
        consumed = source.count - Int(state.pointee.avail_in)
        return sink.count - Int(state.pointee.avail_out)
      }
    }
  }
}
