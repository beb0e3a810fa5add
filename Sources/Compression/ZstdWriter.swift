internal import CZstd

/// Compresses to one zstd frame on the way to a sink.
package final class ZstdWriter {
  private let sink: any ByteSink
  private let context: OpaquePointer
  private var output = [UInt8](repeating: 0, count: 1 << 17)

  package init(_ sink: any ByteSink, level: Int32 = 3) {
    guard let context = ZSTD_createCCtx() else { fatalError("zstd cannot start") }
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    (self.sink, self.context) = (sink, context)
  }

  deinit { ZSTD_freeCCtx(context) }

  package func write(_ bytes: ArraySlice<UInt8>) throws(CompressionError) {
    var consumed = 0
    while consumed < bytes.count { _ = try step(bytes, from: &consumed, ZSTD_e_continue) }
  }

  /// Hands everything written so far to the sink, so that a reader of the sink's bytes has it.
  package func flush() throws(CompressionError) { try drain(ZSTD_e_flush) }

  /// Ends the frame. What is written afterwards begins another one.
  package func finish() throws(CompressionError) { try drain(ZSTD_e_end) }

  private func drain(_ directive: ZSTD_EndDirective) throws(CompressionError) {
    var consumed = 0
    while try step([], from: &consumed, directive) > 0 {}
  }

  /// Bytes that zstd still holds back.
  private func step(
    _ bytes: ArraySlice<UInt8>, from consumed: inout Int, _ directive: ZSTD_EndDirective
  ) throws(CompressionError) -> Int {
    var produced = 0
    let left = bytes.withUnsafeBytes { source in
      output.withUnsafeMutableBytes { sink in
        var from = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: consumed)
        var into = ZSTD_outBuffer(dst: sink.baseAddress, size: sink.count, pos: 0)
        let left = ZSTD_compressStream2(context, &into, &from, directive)
        (consumed, produced) = (from.pos, into.pos)
        return left
      }
    }
    guard ZSTD_isError(left) == 0 else { fatalError("zstd: \(String(cString: ZSTD_getErrorName(left)))") }
    try sink.write(output[..<produced])
    return left
  }
}
