internal import CZstd

/// The contents of a zstd file of one or more frames.
final class ZstdSource: ByteSource {
  private let file: any PackedInput
  private let context: OpaquePointer
  private var input = [UInt8](repeating: 0, count: 1 << 17)
  private var inputPosition = 0
  private var inputCount = 0
  /// Between frames, where the data may end.
  private var isBetweenFrames = false

  /// - Parameter largestWindowLog: frames that need a larger window are refused, so memory stays bounded.
  init(_ file: any PackedInput, largestWindowLog: Int32 = 27) {
    guard let context = ZSTD_createDCtx() else { fatalError("zstd cannot start") }
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, largestWindowLog)
    (self.file, self.context) = (file, context)
  }

  deinit { ZSTD_freeDCtx(context) }

  func read(into buffer: inout [UInt8], from start: Int) throws(CompressionError) -> Int {
    while true {
      let produced = try step(into: &buffer, from: start)
      if produced > 0 { return produced }
      guard inputPosition == inputCount else { continue }
      (inputPosition, inputCount) = (0, try file.read(into: &input, from: 0))
      guard inputCount == 0 else { continue }
      guard isBetweenFrames else { throw .truncated(path: file.path, format: "zstd") }
      return 0
    }
  }

  private func step(into output: inout [UInt8], from start: Int) throws(CompressionError) -> Int {
    var consumed = 0
    var produced = 0
    let status = input.withUnsafeBytes { source in
      output.withUnsafeMutableBytes { sink in
        var from = ZSTD_inBuffer(
          src: source.baseAddress?.advanced(by: inputPosition), size: inputCount - inputPosition, pos: 0)
        var into = ZSTD_outBuffer(dst: sink.baseAddress?.advanced(by: start), size: sink.count - start, pos: 0)
        let status = ZSTD_decompressStream(context, &into, &from)
        (consumed, produced) = (from.pos, into.pos)
        return status
      }
    }
    guard ZSTD_isError(status) == 0 else {
      throw .corrupt(path: file.path, format: "zstd", reason: String(cString: ZSTD_getErrorName(status)))
    }
    inputPosition += consumed
    if consumed > 0 || produced > 0 { isBetweenFrames = status == 0 }
    return produced
  }
}
