package import Market

/// A dataset file mapped into memory. Checked whole (size and SHA-256) when opened.
package final class Dataset: Sendable {
  package let header: DatasetHeader
  /// SHA-256 of the file's contents.
  package let digest: String
  private let file: MappedFile
  private let offsets: Offsets

  private struct Offsets: Sendable {
    var openTimes = 0
    var availableAts = 0
    var opens = 0
    var closes = 0
    var sinceRestart = 0
    var nearAmendment = 0
    var minuteOpenTimes = 0
    var minuteOpens = 0
    var minuteCloses = 0
    var instantTimes = 0
    var instantPrices = 0
    var features = 0
    var end = 0
  }

  package init(path: String) throws(DatasetError) {
    file = try MappedFile(path: path)
    header = try Self.readHeader(file, path: path)
    offsets = Self.layout(header, start: file.columnStart)
    digest = try file.digest(of: offsets.end, path: path)
  }

  package var rowCount: Int { header.rows }
  package var featureCount: Int { header.featureNames.count }

  package var openTimesMicroseconds: UnsafeBufferPointer<Int64> { column(offsets.openTimes, header.rows) }
  package var availableAtMicroseconds: UnsafeBufferPointer<Int64> { column(offsets.availableAts, header.rows) }
  package var opens: UnsafeBufferPointer<Double> { column(offsets.opens, header.rows) }
  package var closes: UnsafeBufferPointer<Double> { column(offsets.closes, header.rows) }
  package var candlesSinceRestart: UnsafeBufferPointer<Int32> { column(offsets.sinceRestart, header.rows) }
  package var nearAmendment: UnsafeBufferPointer<UInt8> { column(offsets.nearAmendment, header.rows) }
  package var minuteOpenTimesMicroseconds: UnsafeBufferPointer<Int64> {
    column(offsets.minuteOpenTimes, header.minutes)
  }
  package var minuteOpens: UnsafeBufferPointer<Double> { column(offsets.minuteOpens, header.minutes) }
  package var minuteCloses: UnsafeBufferPointer<Double> { column(offsets.minuteCloses, header.minutes) }
  /// For labels alone; `nil` where prices settle at the minutes' closes.
  package var instants: [SettledInstant]? {
    header.instants.map { count in
      let times: UnsafeBufferPointer<Int64> = column(offsets.instantTimes, count)
      let prices: UnsafeBufferPointer<Int128> = column(offsets.instantPrices, count)
      return zip(times, prices).map { SettledInstant(Timestamp(microseconds: $0), OraclePrice(units: $1)) }
    }
  }
  /// Row-major, `rowCount` × `featureCount`, NaN where not known. Valid as long as the dataset.
  package var features: UnsafeBufferPointer<Float> { column(offsets.features, header.rows * featureCount) }

  /// Close of the row's candle: when its decision is made.
  package func decisionTime(_ row: Int) -> Timestamp {
    Timestamp(microseconds: openTimesMicroseconds[row]).adding(minutes: 1)
  }

  private func column<Element>(_ offset: Int, _ count: Int) -> UnsafeBufferPointer<Element> {
    file.column(offset, count)
  }

  private static func readHeader(_ file: MappedFile, path: String) throws(DatasetError) -> DatasetHeader {
    let header = try file.header(DatasetHeader.self, magic: DatasetColumn.magic, path: path)
    guard header.schema <= 1 else { throw .newerSchema(path: path, schema: header.schema) }
    guard DatasetColumn.isPossible([header.rows, header.minutes, header.instants ?? 0]),
      (1...4096).contains(header.featureNames.count)
    else { throw .damaged(path: path, what: "impossible sizes") }
    return header
  }

  private static func layout(_ header: DatasetHeader, start: Int) -> Offsets {
    var position = start
    func place<Element>(_ count: Int, _ type: Element.Type) -> Int {
      let offset = position.roundedUp(toMultipleOf: DatasetColumn.alignment(of: type))
      position = offset + count * MemoryLayout<Element>.stride
      return offset
    }
    var offsets = Offsets()
    offsets.openTimes = place(header.rows, Int64.self)
    offsets.availableAts = place(header.rows, Int64.self)
    offsets.opens = place(header.rows, Double.self)
    offsets.closes = place(header.rows, Double.self)
    offsets.sinceRestart = place(header.rows, Int32.self)
    offsets.nearAmendment = place(header.rows, UInt8.self)
    offsets.minuteOpenTimes = place(header.minutes, Int64.self)
    offsets.minuteOpens = place(header.minutes, Double.self)
    offsets.minuteCloses = place(header.minutes, Double.self)
    offsets.instantTimes = place(header.instants ?? 0, Int64.self)
    offsets.instantPrices = place(header.instants ?? 0, Int128.self)
    offsets.features = place(header.rows * header.featureNames.count, Float.self)
    offsets.end = position
    return offsets
  }
}
