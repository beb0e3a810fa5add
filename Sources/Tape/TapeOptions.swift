import Compression

/// When written records are forced onto the disk itself. What was flushed survives the end of the process in any case;
/// this is about the end of the machine.
package enum TapeSync: String, Sendable, CaseIterable {
  /// Left to the system: a power cut loses what it had not written yet, some 30 s.
  case never
  /// Each segment as it is closed: a power cut loses at most the running one.
  case segments
  /// Each flush: a power cut loses what was not flushed. Costs a disk's latency per flush.
  case flushes
}

package struct TapeOptions: Hashable, Sendable {
  /// For all segments of the folder, the running one included.
  package var capBytes = 20 << 30
  /// A segment is closed before it would grow over this…
  package var segmentBytes = 256 << 20
  /// …and when its first record is so old.
  package var segmentSeconds: Int64 = 3600
  /// Records are compressed together once they are so many bytes…
  package var blockBytes = 1 << 18
  /// …or once the first of them has waited so long; `nil` where a crash may lose a whole block.
  package var flushMilliseconds: Int64? = 1000
  package var sync = TapeSync.segments
  /// Of zstd, 1 (fast) to 19 (small).
  package var level: Int32 = 6

  package init() {}

  /// The longest record that surely fits a segment.
  var largestPayload: Int { min(32 << 20, largestBlock - blockBytes - 1024) }

  private var largestBlock: Int {
    let room = segmentBytes - SegmentHeader.length - BlockHeader.length - SegmentFooter.length
    return room - room / 128 - 128
  }

  func check() throws(TapeError) {
    guard blockBytes > 0, segmentSeconds > 0, flushMilliseconds.map({ $0 >= 0 }) ?? true, (1...19).contains(level)
    else {
      throw .badOptions(reason: "sizes and ages are positive and the level is 1 to 19")
    }
    guard blockBytes <= 16 << 20, segmentBytes <= 1 << 40 else {
      throw .badOptions(reason: "a block has at most 16 MiB and a segment at most 1 TiB")
    }
    guard largestPayload >= blockBytes else {
      throw .badOptions(reason: "segments of \(segmentBytes) bytes are too small for blocks of \(blockBytes)")
    }
    guard capBytes >= segmentBytes else { throw .capTooSmall(capBytes: capBytes, segmentBytes: segmentBytes) }
  }
}
