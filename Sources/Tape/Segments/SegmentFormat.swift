import Crypto

// A segment is a header, blocks and, once it is closed, a footer; integers are little-endian. Checks are the first
// bytes of SHA-256: it is at hand for the footer anyway, covers compressed bytes only (under 2 % of the time that the
// compression takes), and has no weak patterns.

/// The first bytes of a segment.
struct SegmentHeader {
  static let length = 32
  static let magic = Array("CTAPE\0\r\n".utf8)
  static let version = 1

  let sequence: Int
  let startNanoseconds: Int64

  var bytes: [UInt8] {
    var bytes = Self.magic
    bytes.append(fixed: UInt16(Self.version))
    bytes.append(fixed: UInt16(0))
    bytes.append(fixed: UInt32(truncatingIfNeeded: sequence))
    bytes.append(fixed: startNanoseconds)
    return bytes + SHA256.digest(of: bytes[...]).prefix(8)
  }

  init(sequence: Int, startNanoseconds: Int64) {
    (self.sequence, self.startNanoseconds) = (sequence, startNanoseconds)
  }

  init(_ bytes: [UInt8], file: String) throws(TapeError) {
    guard bytes.starts(with: Self.magic) else { throw .notATape(file: file) }
    var scanner = TapeScanner(bytes[Self.magic.count...])
    guard let version = scanner.fixed(UInt16.self), scanner.fixed(UInt16.self) != nil,
      let sequence = scanner.fixed(UInt32.self), let start = scanner.fixed(Int64.self)
    else { throw .notATape(file: file) }
    guard version == Self.version else { throw .otherVersion(file: file, version: Int(version)) }
    self.init(sequence: Int(sequence), startNanoseconds: start)
    guard bytes == self.bytes else { throw .damaged(file: file, offset: 0, reason: "the header's check differs") }
  }
}

/// What stands before a block's compressed records.
struct BlockHeader: Hashable {
  static let length = 48
  static let magic = Array("CBLK".utf8)
  /// Larger ones are refused, so memory stays bounded.
  static let largestContents = 1 << 26

  let compressedCount: Int
  let count: Int
  let records: Int
  let earliest: Int64
  let latest: Int64
  /// Of the compressed bytes.
  let check: [UInt8]

  var bytes: [UInt8] {
    var bytes = Self.magic
    bytes.append(fixed: UInt32(compressedCount))
    bytes.append(fixed: UInt32(count))
    bytes.append(fixed: UInt32(records))
    bytes.append(fixed: earliest)
    bytes.append(fixed: latest)
    bytes += check
    return bytes + SHA256.digest(of: bytes[...]).prefix(8)
  }

  static func check(of compressed: ArraySlice<UInt8>) -> [UInt8] { Array(SHA256.digest(of: compressed).prefix(8)) }

  init(compressedCount: Int, count: Int, records: Int, earliest: Int64, latest: Int64, check: [UInt8]) {
    (self.compressedCount, self.count, self.records) = (compressedCount, count, records)
    (self.earliest, self.latest, self.check) = (earliest, latest, check)
  }

  /// `nil` unless these are `length` bytes of a header that no byte has changed in.
  init?(_ bytes: ArraySlice<UInt8>) {
    guard bytes.count == Self.length, bytes.starts(with: Self.magic) else { return nil }
    guard SHA256.digest(of: bytes.dropLast(8)).prefix(8).elementsEqual(bytes.suffix(8)) else { return nil }
    var scanner = TapeScanner(bytes.dropFirst(4))
    guard let compressedCount = scanner.fixed(UInt32.self), let count = scanner.fixed(UInt32.self),
      let records = scanner.fixed(UInt32.self), let earliest = scanner.fixed(Int64.self),
      let latest = scanner.fixed(Int64.self), count <= Self.largestContents,
      compressedCount <= 2 * Self.largestContents
    else { return nil }
    self.init(
      compressedCount: Int(compressedCount), count: Int(count), records: Int(records), earliest: earliest,
      latest: latest, check: Array(bytes.dropLast(8).suffix(8)))
  }
}

/// The last bytes of a segment that was closed.
struct SegmentFooter: Hashable {
  static let length = 72
  private static let magic = Array("CEND".utf8)

  var blocks = 0
  var records = 0
  var earliest = Int64.max
  var latest = Int64.min
  /// SHA-256 of everything before the footer.
  var digest: [UInt8] = []

  init() {}

  mutating func count(_ block: BlockHeader) {
    blocks += 1
    records += block.records
    earliest = min(earliest, block.earliest)
    latest = max(latest, block.latest)
  }

  var bytes: [UInt8] {
    var bytes = Self.magic
    bytes.append(fixed: UInt32(truncatingIfNeeded: blocks))
    bytes.append(fixed: UInt64(records))
    bytes.append(fixed: earliest)
    bytes.append(fixed: latest)
    bytes += digest
    return bytes + SHA256.digest(of: bytes[...]).prefix(8)
  }

  init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.length, bytes.starts(with: Self.magic) else { return nil }
    var scanner = TapeScanner(bytes[4...])
    guard let blocks = scanner.fixed(UInt32.self), let records = scanner.fixed(Int64.self), records >= 0,
      let earliest = scanner.fixed(Int64.self), let latest = scanner.fixed(Int64.self)
    else { return nil }
    (self.blocks, self.records, self.earliest, self.latest) = (Int(blocks), Int(records), earliest, latest)
    digest = Array(bytes[32..<64])
    guard bytes == self.bytes else { return nil }
  }
}

extension SHA256 {
  fileprivate static func digest(of bytes: ArraySlice<UInt8>) -> [UInt8] {
    var hash = SHA256()
    bytes.withUnsafeBytes { hash.update($0) }
    return hash.digest()
  }
}
