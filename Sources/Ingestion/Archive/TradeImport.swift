internal import Compression
import FoundationEssentials
internal import Glibc
package import Market
import Tape

/// Brings a file of archived trades onto a tape of its own, as the frames that the live stream would have sent.
///
/// The tape's folder is named after the file's name and SHA-256 and appears whole or not at all, so bringing the same
/// file in again changes nothing, and a file that was published anew makes another tape.
package struct TradeImport: Sendable {
  /// Between a trade and the moment a live reader would have had it.
  package static let defaultDelayMicroseconds: Int64 = 100_000

  package var series: Series
  package var policy: BadRowPolicy
  package let delayMicroseconds: Int64

  /// - Parameter delayMicroseconds: at most a day.
  package init(
    series: Series, policy: BadRowPolicy = .reject, delayMicroseconds: Int64 = defaultDelayMicroseconds
  ) {
    precondition((0...Timestamp.microsecondsPerDay).contains(delayMicroseconds), "a delay is at most a day")
    (self.series, self.policy, self.delayMicroseconds) = (series, policy, delayMicroseconds)
  }

  /// Errors are `ImportError`, or what `progress` throws to stop; either way no tape has come.
  ///
  /// - Parameter folder: of the tapes; `RecordingReader` replays all of them merged.
  package func run(
    _ path: String, into folder: String, progress: (ImportProgress) throws -> Void = { _ in }
  ) throws -> TradeImportReport {
    try Checksum.verify(path)
    let digest: String
    do { digest = try InputFile(path: path).sha256() } catch { throw ImportError.unpacking(error) }
    let name = Self.base(of: path)
    let tape = "\(folder)/\(name)-\(digest.prefix(16)).tape"
    var report = TradeImportReport(file: path, tape: tape, sha256: digest)
    guard access(tape, F_OK) != 0 else {
      report.isUnchanged = true
      return report
    }
    let partial = "\(folder)/.\(name)-\(digest.prefix(16)).partial"
    defer { try? FileManager.default.removeItem(atPath: partial) }
    try? FileManager.default.removeItem(atPath: partial)
    try write(path, to: partial, source: "\(series.venue)/archive/\(name)", &report, progress)
    guard rename(partial, tape) == 0 else {
      let reason = String(cString: strerror(errno))
      throw ImportError.recording(.cannotWrite(path: tape, reason: reason))
    }
    return report
  }

  private func write(
    _ path: String, to folder: String, source: String, _ report: inout TradeImportReport,
    _ progress: (ImportProgress) throws -> Void
  ) throws {
    let reader = try TradeFileReader(path: path, policy: policy)
    let writer: TapeWriter
    do { writer = try TapeWriter(folder: folder, Self.options) } catch { throw ImportError.recording(error) }
    var frame: [UInt8] = []
    while let rows = try reader.next() {
      try progress(reader.progress)
      for row in rows {
        makeFrame(row, reader, &frame)
        let arrival = (row.trade.time.microseconds + delayMicroseconds) * 1000
        writer.append(arrivalNanoseconds: arrival, source: source, kind: .text, payload: frame.span)
      }
    }
    writer.close()
    if case .stopped(let error) = writer.state { throw ImportError.recording(error) }
    (report.rowsRead, report.skipped, report.badRows) = (reader.rowsRead, reader.skipped, reader.badRows)
    report.missingIds = reader.missingIds
  }

  /// Everything is kept, and nothing can be read before all of it is there.
  private static var options: TapeOptions {
    var options = TapeOptions()
    (options.capBytes, options.segmentSeconds, options.flushMilliseconds) = (.max, .max, nil)
    return options
  }

  /// Times have the file's unit, as the stream has the one that was asked for.
  private func makeFrame(_ row: ArchiveTrade, _ reader: TradeFileReader, _ frame: inout [UInt8]) {
    let time = reader.isMicroseconds ? row.trade.time.microseconds : row.trade.time.milliseconds
    let isAggregated = reader.isAggregated
    let id = isAggregated ? "a" : "t"
    var text =
      #"{"e":"\#(isAggregated ? "aggTrade" : "trade")","E":\#(time),"s":"\#(series.symbol)","\#(id)":\#(row.trade.id)"#
    text += #","p":"\#(row.trade.price)","q":"\#(row.trade.quantity)""#
    if isAggregated { text += #","f":\#(row.firstId),"l":\#(row.lastId)"# }
    text += #","T":\#(time),"m":\#(!row.trade.isTakerBuyer)"#
    if let isBestMatch = row.isBestMatch { text += #","M":\#(isBestMatch)"# }
    frame.removeAll(keepingCapacity: true)
    frame.append(contentsOf: text.utf8)
    frame.append(UInt8(ascii: "}"))
  }

  /// The file's name without its folder and its endings.
  private static func base(of path: String) -> String {
    var name = path.split(separator: "/").last ?? ""
    for ending in [".gz", ".zst", ".zip", ".csv"] where name.hasSuffix(ending) { name = name.dropLast(ending.count) }
    return String(name.utf8.prefix(200)) ?? "trades"
  }
}

/// What an import of one file did.
package struct TradeImportReport: Hashable, Sendable {
  package let file: String
  /// The folder that can be replayed.
  package let tape: String
  package let sha256: String
  /// This very file was there already; it was not read again.
  package var isUnchanged = false
  package var rowsRead = 0
  package var skipped = 0
  /// The first hundred of the skipped rows.
  package var badRows: [BadRow] = []
  /// Ids that no row has, between those that rows have.
  package var missingIds: Int64 = 0
}
