/// Compresses to one gzip member on the way to a sink.
package final class GzipWriter {
  private let encoder: DeflateEncoder

  package init(_ sink: any ByteSink, level: Int32 = 6) {
    encoder = DeflateEncoder(sink, wrapper: .gzip, level: level)
  }

  package func write(_ bytes: ArraySlice<UInt8>) throws(CompressionError) { try encoder.write(bytes) }

  /// Hands everything written so far to the sink, so that a reader of the sink's bytes has it.
  package func flush() throws(CompressionError) { try encoder.flush() }

  /// Ends the member; nothing may be written afterwards.
  package func finish() throws(CompressionError) { try encoder.finish() }
}
