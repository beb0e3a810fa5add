import Compression

/// Writes records to a folder of segments that never grows over its cap.
///
/// Nothing here throws once it has begun: when the disk refuses, recording ends, `state` says why, and what comes
/// later is counted and let go, so that whoever records goes on. Time is that of the records and of `advance`. One
/// record after the other, from one thread at a time.
package final class TapeWriter {
  package enum State: Hashable, Sendable {
    case recording
    case stopped(TapeError)
    case closed
  }

  package struct Counts: Hashable, Sendable {
    /// Written out; those still waiting for the next flush are not among them.
    package var records = 0
    package var bytes = 0
    /// Came after the recording stopped, or with it.
    package var dropped = 0
    /// Too long for a segment, or from a source whose name is.
    package var refused = 0
    package var deletedSegments = 0

    package init() {}
  }

  package private(set) var state = State.recording
  /// Torn ends of earlier runs, cut off at the start.
  package var cuts: [TapeTear] { folder.cuts }
  private let options: TapeOptions
  private let folder: TapeFolder
  private let encoder: ZstdBlockEncoder
  private var segment: SegmentOutput?
  private var segmentName: SegmentName?
  private var block = BlockBuilder()
  private var counted = Counts()

  package init(folder path: String, _ options: TapeOptions = TapeOptions()) throws(TapeError) {
    try options.check()
    self.options = options
    encoder = ZstdBlockEncoder(level: options.level)
    folder = try TapeFolder(path, isSynced: options.sync != .never)
    try folder.shrink(to: options.capBytes)
  }

  package var counts: Counts {
    var counts = counted
    counts.deletedSegments = folder.deletedSegments
    return counts
  }

  /// Of the folder's segments, the running one included.
  package var folderBytes: Int { folder.bytes + (segment?.size ?? 0) }

  package func append(_ record: TapeRecord) {
    append(
      arrivalNanoseconds: record.arrivalNanoseconds, source: record.source, kind: record.kind,
      payload: record.payload.span)
  }

  package func append(arrivalNanoseconds: Int64, source: String, kind: TapeKind, payload: Span<UInt8>) {
    guard state == .recording else { return counted.dropped += 1 }
    guard payload.count <= options.largestPayload, source.utf8.count <= 255 else { return counted.refused += 1 }
    block.append(arrivalNanoseconds, source, kind, payload)
    if block.count >= options.blockBytes || block.isDue(at: arrivalNanoseconds, options.flushMilliseconds) { flush() }
  }

  /// Writes what has waited long enough and closes a segment that is old enough, also when nothing arrives.
  package func advance(to nanoseconds: Int64) {
    if block.isDue(at: nanoseconds, options.flushMilliseconds) { flush() }
    guard state == .recording, let segment, isOld(segment, at: nanoseconds) else { return }
    flush()
    if state == .recording { attempt { () throws(TapeError) in try closeSegment() } }
  }

  /// After this every record so far can be read, whatever happens to the process.
  package func flush() {
    guard state == .recording, block.records > 0 else { return }
    let due = counted.records + block.records
    attempt { () throws(TapeError) in try writeBlock() }
    counted.dropped += due - counted.records
    block.removeAll()
  }

  /// Writes everything, closes the running segment and lets other writers at the folder.
  package func close() {
    defer { folder.unlock() }
    flush()
    guard state == .recording else { return }
    attempt { () throws(TapeError) in try closeSegment() }
    if state == .recording { state = .closed }
  }

  // MARK: Parts

  private func attempt(_ work: () throws(TapeError) -> Void) {
    do throws(TapeError) {
      try work()
    } catch {
      state = .stopped(error)
    }
  }

  private func writeBlock() throws(TapeError) {
    let (header, bytes) = block.encoded(by: encoder)
    let needed = bytes.count + SegmentFooter.length
    if let segment, segment.size + needed > options.segmentBytes || isOld(segment, at: header.latest) {
      try closeSegment()
    }
    try folder.shrink(to: options.capBytes - needed - (segment?.size ?? SegmentHeader.length))
    let segment = try runningSegment(startNanoseconds: header.earliest)
    try segment.write(header, bytes)
    counted.records += header.records
    counted.bytes += bytes.count
    if options.sync == .flushes { try segment.sync() }
  }

  private func runningSegment(startNanoseconds: Int64) throws(TapeError) -> SegmentOutput {
    if let segment { return segment }
    let name = folder.nextName(startNanoseconds: startNanoseconds)
    let new = try SegmentOutput(folder: folder.path, name: name, startNanoseconds: startNanoseconds)
    (segment, segmentName) = (new, name)
    if options.sync != .never { try folder.sync() }
    return new
  }

  private func closeSegment() throws(TapeError) {
    guard let segment, let segmentName else { return }
    try segment.close(isSynced: options.sync != .never)
    folder.add(TapeFolder.Segment(name: segmentName, bytes: segment.size))
    self.segment = nil
  }

  private func isOld(_ segment: SegmentOutput, at nanoseconds: Int64) -> Bool {
    let (age, isOver) = nanoseconds.subtractingReportingOverflow(segment.startNanoseconds)
    return isOver || age / 1_000_000_000 >= options.segmentSeconds
  }
}
