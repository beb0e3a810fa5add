package import Market

/// Collects decision rows and final prices, then writes them as one hashed columnar file.
///
/// See `HashedFile` for the layout.
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
    try output.writePreamble(header, magic: DatasetColumn.magic)
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
