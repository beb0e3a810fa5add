import Crypto

/// What a look at every byte of a tape found.
package struct TapeVerification: Hashable, Sendable {
  package var segments = 0
  package var closedSegments = 0
  package var blocks = 0
  package var records = 0
  package var bytes = 0
  package var tears: [TapeTear] = []
  package var faults: [TapeError] = []

  /// Nothing has changed since it was written. Torn tails are no change: they were never whole.
  package var isIntact: Bool { faults.isEmpty }

  /// - Parameter path: a segment, or a folder of segments.
  package init(of path: String) throws(TapeError) {
    for segment in try TapeReader.segments(of: path) { try look(at: segment) }
  }

  private mutating func look(at path: String) throws(TapeError) {
    segments += 1
    bytes += FolderListing.size(of: path) ?? 0
    let reader: SegmentReader
    do throws(TapeError) {
      reader = try SegmentReader(path, damage: .skip)
    } catch {
      return faults.append(error)
    }
    let found = try contents(of: reader)
    if let tear = reader.tear { tears.append(tear) }
    if reader.skippedRegions > 0 { faults.append(try firstFault(in: path)) }
    guard let footer = reader.footer else { return }
    closedSegments += 1
    guard reader.skippedRegions == 0 else { return }
    let end = reader.wholeEnd
    if try TapeFolder.hash(of: path, upTo: end).digest() != footer.digest {
      faults.append(.damaged(file: path, offset: end, reason: "the SHA-256 in the footer differs"))
    } else if found != footer.records {
      faults.append(.damaged(file: path, offset: end, reason: "the footer's count of records differs"))
    }
  }

  private mutating func contents(of reader: SegmentReader) throws(TapeError) -> Int {
    var contents: [UInt8] = []
    var found = 0
    while let header = try reader.next(into: &contents) {
      var block = BlockScanner(contents, records: header.records)
      while block.next() != nil {}
      guard block.isWhole else {
        try reader.refuse("a block's records do not fit together")
        continue
      }
      blocks += 1
      found += header.records
    }
    records += found
    return found
  }

  /// Where the first damage of a segment is.
  private func firstFault(in path: String) throws(TapeError) -> TapeError {
    do throws(TapeError) {
      let reader = try SegmentReader(path, damage: .fail)
      var contents: [UInt8] = []
      while try reader.next(into: &contents) != nil {}
      return .damaged(file: path, offset: reader.wholeEnd, reason: "a block's records do not fit together")
    } catch {
      return error
    }
  }
}
