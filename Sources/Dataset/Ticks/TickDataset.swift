package import Market

/// A dataset file of the tick cadence mapped into memory. Checked whole (size and SHA-256) when opened.
package final class TickDataset: Sendable {
  package let header: TickDatasetHeader
  /// SHA-256 of the file's contents.
  package let digest: String
  private let file: MappedFile
  private let offsets: Offsets

  private struct Offsets: Sendable {
    let times, labels, trends, inputs, end: Int

    init(_ header: TickDatasetHeader, start: Int) {
      var position = start
      func place<Element>(_ count: Int, _ type: Element.Type) -> Int {
        let offset = position.roundedUp(toMultipleOf: DatasetColumn.alignment(of: type))
        position = offset + count * MemoryLayout<Element>.stride
        return offset
      }
      times = place(header.rows, Int64.self)
      labels = place(header.rows, Double.self)
      trends = place(header.rows, Double.self)
      inputs = place(header.rows * header.inputNames.count, Float.self)
      end = position
    }
  }

  package init(path: String) throws(DatasetError) {
    file = try MappedFile(path: path)
    header = try file.header(TickDatasetHeader.self, magic: DatasetColumn.tickMagic, path: path)
    guard header.schema <= 1 else { throw .newerSchema(path: path, schema: header.schema) }
    guard DatasetColumn.isPossible([header.rows]), (1...4096).contains(header.inputNames.count),
      (1...86_400_000).contains(header.intervalMilliseconds), (1...86_400).contains(header.horizonSeconds)
    else { throw .damaged(path: path, what: "impossible sizes") }
    offsets = Offsets(header, start: file.columnStart)
    digest = try file.digest(of: offsets.end, path: path)
  }

  package var rowCount: Int { header.rows }

  package func time(_ row: Int) -> Timestamp { Timestamp(microseconds: times[row]) }

  private var times: UnsafeBufferPointer<Int64> { file.column(offsets.times, header.rows) }
  /// What the price did over the horizon, in basis points; NaN where that is not known.
  package var labels: UnsafeBufferPointer<Double> { file.column(offsets.labels, header.rows) }
  /// What the straight line says it would do, in basis points; NaN where there is none.
  package var trends: UnsafeBufferPointer<Double> { file.column(offsets.trends, header.rows) }
  /// Row-major, as a network takes them before scaling. Valid as long as the dataset.
  package var inputs: UnsafeBufferPointer<Float> {
    file.column(offsets.inputs, header.rows * header.inputNames.count)
  }
}
