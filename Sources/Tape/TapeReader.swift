/// The records of one segment or of a folder of segments, in the order they were written.
///
/// Holds one block in memory. A folder that is being recorded to can be read: what was flushed is there.
package final class TapeReader {
  /// Torn tails of segments that nobody closed, as far as they were read.
  package private(set) var tears: [TapeTear] = []
  /// Damaged stretches that were left out; always 0 unless that was asked for.
  package private(set) var skippedRegions = 0
  package private(set) var skippedBytes = 0
  private let from: Int64
  private let damage: DamagePolicy
  /// Paths still to be read, the next one last.
  private var waiting: [String]
  private var segment: SegmentReader?
  private var contents: [UInt8] = []
  private var block: BlockScanner?

  /// - Parameters:
  ///   - path: a segment, or a folder of segments.
  ///   - from: earlier records are left out; blocks and segments that hold only such are not unpacked.
  package init(_ path: String, from: Int64 = .min, damage: DamagePolicy = .fail) throws(TapeError) {
    (self.from, self.damage) = (from, damage)
    waiting = try Self.segments(of: path).reversed()
  }

  package func next() throws(TapeError) -> TapeRecord? {
    while true {
      while let record = block?.next() {
        if record.arrivalNanoseconds >= from { return record }
      }
      if let block, !block.isWhole { try segment?.refuse("a block's records do not fit together") }
      guard try nextBlock() else { return nil }
    }
  }

  static func segments(of path: String) throws(TapeError) -> [String] {
    guard FolderListing.isFolder(path) else { return [path] }
    return try SegmentName.all(in: path).map { path + "/" + $0.text }
  }

  private func nextBlock() throws(TapeError) -> Bool {
    block = nil
    while true {
      if let header = try segment?.next(from: from, into: &contents) {
        block = BlockScanner(contents, records: header.records)
        return true
      }
      leaveSegment()
      guard let path = waiting.last else { return false }
      let next = try SegmentReader(path, damage: damage)
      waiting.removeLast()
      if next.footer.map({ $0.latest >= from }) ?? true { segment = next }
    }
  }

  private func leaveSegment() {
    guard let left = segment else { return }
    if let tear = left.tear { tears.append(tear) }
    skippedRegions += left.skippedRegions
    skippedBytes += left.skippedBytes
    segment = nil
  }
}
