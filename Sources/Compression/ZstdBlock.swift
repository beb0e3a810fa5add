internal import CZstd

/// Compresses blocks that can each be read without the others.
package final class ZstdBlockEncoder {
  private let context: OpaquePointer
  private let level: Int32

  package init(level: Int32 = 3) {
    guard let context = ZSTD_createCCtx() else { fatalError("zstd cannot start") }
    (self.context, self.level) = (context, level)
  }

  deinit { ZSTD_freeCCtx(context) }

  /// The most that `count` bytes compress to.
  package static func largestOutput(of count: Int) -> Int { ZSTD_compressBound(count) }

  /// Adds the compressed form of `bytes` to `output` and returns its length.
  package func encode(_ bytes: [UInt8], onto output: inout [UInt8]) -> Int {
    let room = Self.largestOutput(of: bytes.count)
    let start = output.count
    output.append(contentsOf: repeatElement(0, count: room))
    let count = bytes.withUnsafeBytes { source in
      output.withUnsafeMutableBytes { sink in
        ZSTD_compressCCtx(
          context, sink.baseAddress?.advanced(by: start), room, source.baseAddress, source.count, level)
      }
    }
    guard ZSTD_isError(count) == 0 else { fatalError("zstd: \(String(cString: ZSTD_getErrorName(count)))") }
    output.removeLast(room - count)
    return count
  }
}

/// Reads what `ZstdBlockEncoder` made.
package final class ZstdBlockDecoder {
  private let context: OpaquePointer

  package init() {
    guard let context = ZSTD_createDCtx() else { fatalError("zstd cannot start") }
    self.context = context
  }

  deinit { ZSTD_freeDCtx(context) }

  /// `false` unless `bytes` are one block of exactly `count` bytes, which `output` then holds.
  package func decode(_ bytes: ArraySlice<UInt8>, count: Int, into output: inout [UInt8]) -> Bool {
    if output.count < count { output = [UInt8](repeating: 0, count: count) }
    if output.count > count { output.removeLast(output.count - count) }
    let produced = bytes.withUnsafeBytes { source in
      output.withUnsafeMutableBytes { sink in
        ZSTD_decompressDCtx(context, sink.baseAddress, sink.count, source.baseAddress, source.count)
      }
    }
    return ZSTD_isError(produced) == 0 && produced == count
  }
}
