internal import Glibc

/// Cuts bytes into lines, a buffer's worth at a time, with an upper bound on a line's length.
package final class LineReader {
  /// Lines begun so far; within `forEach` the number of the line in hand, counted from 1.
  package private(set) var line = 0
  private let source: any ByteSource
  private let longestLine: Int
  private var buffer = [UInt8](repeating: 0, count: 1 << 18)
  /// Bytes at the start of `buffer` that were not given out yet.
  private var filled = 0
  private var isAtEnd = false

  /// - Parameter longestLine: in bytes.
  package init(_ source: any ByteSource, longestLine: Int) { (self.source, self.longestLine) = (source, longestLine) }

  /// The line behind the last one given out is longer than allowed.
  package var isTooLong: Bool { filled > longestLine }

  /// Takes more bytes in; `false` once everything was given out. A last line gets its line break.
  package func fill() throws(CompressionError) -> Bool {
    guard !isAtEnd else { return false }
    if buffer.count - filled < 2 { buffer.append(contentsOf: repeatElement(0, count: buffer.count)) }
    let count = try source.read(into: &buffer, from: filled)
    filled += count
    guard count == 0 else { return true }
    isAtEnd = true
    guard filled > 0 else { return false }
    buffer[filled] = UInt8(ascii: "\n")
    filled += 1
    return true
  }

  /// Calls `body` with each whole line, without its line break; empty lines are passed over.
  package func forEach<Failure>(_ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Void) throws(Failure) {
    let consumed = try buffer.withUnsafeBufferPointer { bytes throws(Failure) in
      guard let base = bytes.baseAddress else { return 0 }
      var start = 0
      while let found = memchr(base + start, 0x0A, filled - start) {
        let stop = UnsafeRawPointer(found) - UnsafeRawPointer(base)
        line += 1
        let end = stop > start && bytes[stop - 1] == UInt8(ascii: "\r") ? stop - 1 : stop
        if end > start { try body(UnsafeBufferPointer(rebasing: bytes[start..<end])) }
        start = stop + 1
      }
      return start
    }
    for offset in 0..<filled - consumed { buffer[offset] = buffer[consumed + offset] }
    filled -= consumed
  }
}
