/// The signed envelope around a report blob: the ABI tuple (bytes32[3], bytes, bytes32[], bytes32[], bytes32).
package struct FullReport: Hashable, Sendable {
  /// Configuration digest, epoch and round, extra hash.
  package var context: [[UInt8]]
  package var blob: [UInt8]
  /// The two halves of each oracle node's signature.
  package var rs: [[UInt8]]
  package var ss: [[UInt8]]
  package var rawVs: [UInt8]

  private static let headWords = 7

  /// An envelope without signatures.
  package init(blob: [UInt8]) {
    let zero = [UInt8](repeating: 0, count: ABIWord.size)
    (context, self.blob, rs, ss, rawVs) = ([zero, zero, zero], blob, [], [], zero)
  }

  package init(_ bytes: [UInt8]) throws(VenueError) {
    guard bytes.count >= Self.headWords * ABIWord.size else {
      throw .malformed(offset: bytes.count, reason: "a report ends within its head")
    }
    let reader = TupleReader(bytes: bytes)
    context = [reader.word(0), reader.word(1), reader.word(2)]
    blob = try reader.data(offsetAt: 3)
    rs = try reader.words(offsetAt: 4)
    ss = try reader.words(offsetAt: 5)
    rawVs = reader.word(6)
  }

  package var bytes: [UInt8] {
    let padding = (ABIWord.size - blob.count % ABIWord.size) % ABIWord.size
    let tail = ABIWord.bytes(blob.count) + blob + [UInt8](repeating: 0, count: padding)
    let rsOffset = Self.headWords * ABIWord.size + tail.count
    let ssOffset = rsOffset + (1 + rs.count) * ABIWord.size
    var bytes = context.flatMap(\.self) + ABIWord.bytes(Self.headWords * ABIWord.size)
    bytes += ABIWord.bytes(rsOffset) + ABIWord.bytes(ssOffset) + rawVs + tail
    for list in [rs, ss] { bytes += ABIWord.bytes(list.count) + list.flatMap(\.self) }
    return bytes
  }

  private struct TupleReader {
    /// At least the head's words.
    let bytes: [UInt8]

    func word(_ index: Int) -> [UInt8] { Array(bytes[index * ABIWord.size..<(index + 1) * ABIWord.size]) }

    func data(offsetAt index: Int) throws(VenueError) -> [UInt8] {
      let (start, length) = try section(offsetAt: index)
      guard length <= bytes.count - start else {
        throw .malformed(offset: start, reason: "\(length) bytes do not fit")
      }
      return Array(bytes[start..<start + length])
    }

    func words(offsetAt index: Int) throws(VenueError) -> [[UInt8]] {
      let (start, count) = try section(offsetAt: index)
      guard count <= (bytes.count - start) / ABIWord.size else {
        throw .malformed(offset: start, reason: "\(count) words do not fit")
      }
      return (0..<count).map { Array(bytes[start + $0 * ABIWord.size..<start + ($0 + 1) * ABIWord.size]) }
    }

    /// Where a section's content starts, and the length that stands before it.
    private func section(offsetAt index: Int) throws(VenueError) -> (start: Int, length: Int) {
      guard let offset = ABIWord.unsigned(word(index)).flatMap(Int.init(exactly:)),
        offset >= FullReport.headWords * ABIWord.size, offset <= bytes.count - ABIWord.size,
        offset.isMultiple(of: ABIWord.size)
      else { throw .malformed(offset: index * ABIWord.size, reason: "an offset that is none in this report") }
      let start = offset + ABIWord.size
      guard let length = ABIWord.unsigned(bytes[offset..<start]).flatMap(Int.init(exactly:)) else {
        throw .malformed(offset: offset, reason: "a length beyond 64 bits")
      }
      return (start, length)
    }
  }
}
