package import Features
internal import Glibc
package import Market

/// Collects the complete points of a stretch of tape with what the price did after each, and writes them as one hashed
/// columnar file.
///
/// Told in the order of a live reader: so late it is, the point of a moment that is due, then what came.
package struct TickDatasetBuilder {
  private var header: TickDatasetHeader
  private let range: Range<Timestamp>
  private var times: [Int64] = []
  private var labels: [Double] = []
  private var trends: [Double] = []
  private var inputs: [Float] = []
  private var moves: MoveLabels

  /// - Parameter range: of the points that make rows.
  package init(
    _ series: Series, header: TickDatasetHeader,
    range: Range<Timestamp> = Timestamp.distantPast..<Timestamp.distantFuture
  ) {
    (self.header, self.range) = (header, range)
    moves = MoveLabels(series, horizonSeconds: header.horizonSeconds)
  }

  package var rowCount: Int { times.count }

  /// Of moments at which trades were coming, so far.
  package var pointCount: Int { header.points }

  /// It is so late; to be told before what came then.
  package mutating func advance(to now: Timestamp) { moves.advance(to: now) }

  /// A moment at which trades were coming.
  ///
  /// - Parameter trend: the price after the horizon by the straight line; `nil` where there is none.
  package mutating func add(_ point: TickInputs, trend: Double?) {
    guard range.contains(point.time) else { return }
    header.points += 1
    guard let values = point.networkInputs, values.allSatisfy(\.isFinite), let price = point.price, price > 0 else {
      header.incomplete += 1
      for name in point.missing { header.missing[name, default: 0] += 1 }
      return
    }
    moves.follow(row: times.count, price: price, from: point.time)
    times.append(point.time.microseconds)
    labels.append(.nan)
    trends.append(trend.map { 10_000 * log($0 / price) } ?? .nan)
    inputs += values.map { Float($0) }
  }

  package mutating func take(_ event: TickEvent) {
    for proven in moves.take(event) { labels[proven.row] = proven.basisPoints }
  }

  /// A new run of the recorder: trades between it and the one before were missed.
  package mutating func interrupt() { moves.interrupt() }

  /// Writes beside `path` and renames, so that a reader never sees half a file. Returns the SHA-256.
  package consuming func write(to path: String) throws(DatasetError) -> String {
    header.rows = times.count
    header.unlabelled = labels.count { $0.isNaN }
    var output = try HashedFile(path: path)
    try output.writePreamble(header, magic: DatasetColumn.tickMagic)
    try output.write(times)
    try output.write(labels)
    try output.write(trends)
    try output.write(inputs)
    return try output.finish()
  }

  /// What was counted so far.
  package var counts: TickDatasetHeader {
    var counts = header
    counts.rows = times.count
    counts.unlabelled = labels.count { $0.isNaN }
    return counts
  }
}
