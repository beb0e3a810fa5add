internal import Crypto
internal import FoundationEssentials
internal import Glibc
package import Market

/// Collects decision rows and final prices, then writes them as one hashed columnar file.
///
/// Layout: eight magic bytes, the header's length as UInt64, the header as JSON, then 64-byte aligned little-endian
/// columns (see `DatasetColumn`), then the SHA-256 of everything before it as 64 hexadecimal digits.
package struct DatasetWriter {
  private var header: DatasetHeader
  private var rows: [DatasetRow] = []
  private var features: [Float] = []
  private var minuteOpenTimes: [Int64] = []
  private var minuteOpens: [Double] = []
  private var minuteCloses: [Double] = []
  private var instants: [SettledInstant]?

  package init(header: DatasetHeader, expectedRows: Int) {
    self.header = header
    rows.reserveCapacity(expectedRows)
    features.reserveCapacity(expectedRows * header.featureNames.count)
  }

  package var rowCount: Int { rows.count }

  /// Rows come in order of open time; `vector` has one value a feature name.
  package mutating func append(_ row: DatasetRow, vector: [Float]) {
    precondition(vector.count == header.featureNames.count, "a vector has one value for each feature")
    rows.append(row)
    features.append(contentsOf: vector)
  }

  /// The final prices of a minute, from which labels come; in order of open time.
  package mutating func appendMinute(openTime: Timestamp, open: Double, close: Double) {
    minuteOpenTimes.append(openTime.microseconds)
    minuteOpens.append(open)
    minuteCloses.append(close)
  }

  /// What windows begin and end at, for prices that do not settle at the minutes' closes.
  package mutating func settle(at instants: [SettledInstant]) { self.instants = instants }

  /// Writes beside `path` and renames, so that a reader never sees half a file. Returns the SHA-256.
  package consuming func write(to path: String) throws(DatasetError) -> String {
    header.rows = rows.count
    header.minutes = minuteOpenTimes.count
    header.instants = instants?.count
    var output = try HashedFile(path: path)
    try output.writePreamble(header)
    try output.write(rows.map(\.openTime.microseconds))
    try output.write(rows.map(\.availableAt.microseconds))
    try output.write(rows.map(\.open))
    try output.write(rows.map(\.close))
    try output.write(rows.map(\.candlesSinceRestart))
    try output.write(rows.map { $0.isNearAmendment ? UInt8(1) : 0 })
    try output.write(minuteOpenTimes)
    try output.write(minuteOpens)
    try output.write(minuteCloses)
    try output.write((instants ?? []).map(\.time.microseconds))
    try output.write((instants ?? []).map(\.price.units))
    try output.write(features)
    return try output.finish()
  }
}

private struct HashedFile: ~Copyable {
  private let path: String
  private let temporaryPath: String
  private let descriptor: Int32
  private var hash = SHA256()
  private var position = 0

  init(path: String) throws(DatasetError) {
    self.path = path
    temporaryPath = path + ".partial-\(getpid())"
    descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw .cannotWrite(path: path, reason: String(cString: strerror(errno)))
    }
  }

  deinit {
    close(descriptor)
    unlink(temporaryPath)
  }

  mutating func writePreamble(_ header: DatasetHeader) throws(DatasetError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    guard let json = try? [UInt8](encoder.encode(header)) else { throw .cannotWrite(path: path, reason: "header") }
    try write(DatasetColumn.magic)
    try write([UInt64(json.count)])
    try write(json)
  }

  mutating func write<Element: BitwiseCopyable>(_ elements: [Element]) throws(DatasetError) {
    let padding = position.roundedUp(toMultipleOf: DatasetColumn.alignment(of: Element.self)) - position
    try writeBytes([UInt8](repeating: 0, count: padding))
    let error: DatasetError? = elements.withUnsafeBytes { bytes in
      do throws(DatasetError) { try writeRaw(bytes) } catch { return error }
      return nil
    }
    if let error { throw error }
  }

  private mutating func writeBytes(_ bytes: [UInt8]) throws(DatasetError) {
    let error: DatasetError? = bytes.withUnsafeBytes { bytes in
      do throws(DatasetError) { try writeRaw(bytes) } catch { return error }
      return nil
    }
    if let error { throw error }
  }

  private mutating func writeRaw(_ bytes: UnsafeRawBufferPointer) throws(DatasetError) {
    hash.update(bytes)
    position += bytes.count
    var rest = bytes
    while !rest.isEmpty {
      let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { throw .cannotWrite(path: path, reason: String(cString: strerror(errno))) }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
    }
  }

  mutating func finish() throws(DatasetError) -> String {
    var finished = SHA256()
    swap(&finished, &hash)
    let digest = finished.hexDigest()
    try writeBytes(Array(digest.utf8))
    guard fsync(descriptor) == 0, rename(temporaryPath, path) == 0 else {
      throw .cannotWrite(path: path, reason: String(cString: strerror(errno)))
    }
    return digest
  }
}
