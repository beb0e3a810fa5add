import Compression

/// Records on their way into one block.
///
/// Source names are listed in each block anew, compressed to a few bytes: a block can be read although others are
/// lost, and from any time on.
struct BlockBuilder {
  private(set) var records = 0
  private var bytes: [UInt8] = []
  private var output: [UInt8] = []
  private var sources: [String: UInt64] = [:]
  private var lastSource: (name: String, number: UInt64)?
  private var first: Int64 = 0
  private var last: Int64 = 0
  private var earliest = Int64.max
  private var latest = Int64.min

  var count: Int { bytes.count }

  /// The first record has waited for so long; also when the clock was set back.
  func isDue(at nanoseconds: Int64, _ milliseconds: Int64?) -> Bool {
    guard records > 0, let milliseconds else { return false }
    let (age, isOver) = nanoseconds.subtractingReportingOverflow(first)
    return isOver || age < 0 || age / 1_000_000 >= milliseconds
  }

  mutating func append(_ arrival: Int64, _ source: String, _ kind: TapeKind, _ payload: Span<UInt8>) {
    if records == 0 { (first, last) = (arrival, 0) }
    // Wrapping, and the reader wraps back.
    bytes.append(signed: arrival &- last)
    appendSource(source)
    bytes.append(kind.rawValue)
    bytes.append(variable: UInt64(payload.count))
    payload.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
    last = arrival
    earliest = min(earliest, arrival)
    latest = max(latest, arrival)
    records += 1
  }

  /// The number of a source's name, from 1 on; 0 and the name where it comes up first.
  private mutating func appendSource(_ name: String) {
    if let lastSource, lastSource.name == name { return bytes.append(variable: lastSource.number) }
    if let number = sources[name] {
      lastSource = (name, number)
      return bytes.append(variable: number)
    }
    bytes.append(0)
    bytes.append(counted: name.utf8)
    let number = UInt64(sources.count + 1)
    sources[name] = number
    lastSource = (name, number)
  }

  /// The block as it stands in a segment.
  mutating func encoded(by encoder: ZstdBlockEncoder) -> (BlockHeader, [UInt8]) {
    output.removeAll(keepingCapacity: true)
    let compressedCount = encoder.encode(bytes, onto: &output)
    let header = BlockHeader(
      compressedCount: compressedCount, count: bytes.count, records: records, earliest: earliest, latest: latest,
      check: BlockHeader.check(of: output[...]))
    return (header, header.bytes + output)
  }

  mutating func removeAll() {
    let isLarge = bytes.capacity > 1 << 21
    bytes.removeAll(keepingCapacity: !isLarge)
    if isLarge { output = [] }
    sources.removeAll(keepingCapacity: true)
    lastSource = nil
    (records, earliest, latest) = (0, .max, .min)
  }
}
