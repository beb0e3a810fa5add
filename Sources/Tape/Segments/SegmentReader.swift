import Compression

/// What was behind the last whole block of a segment that nobody closed: a write that a crash cut short.
package struct TapeTear: Hashable, Sendable, CustomStringConvertible {
  package let file: String
  /// Where the whole blocks end.
  package let offset: Int
  package let bytes: Int

  package var description: String {
    "\(file): \(bytes) bytes from \(offset) on are no whole block; the records in them are lost, how many is not known"
  }
}

/// What a reader does where whole blocks have changed since they were written.
package enum DamagePolicy: String, Sendable, CaseIterable {
  /// The first one is an error.
  case fail
  /// They are left out and counted.
  case skip
}

/// The blocks of one segment in order.
final class SegmentReader {
  struct Block {
    let offset: Int
    let header: BlockHeader
    /// Where the compressed bytes stand in `compressed`.
    fileprivate let range: Range<Int>
  }

  let path: String
  /// `nil` for a segment that was not closed.
  let footer: SegmentFooter?
  /// `nil` where the header is damaged or not whole.
  let header: SegmentHeader?
  private(set) var tear: TapeTear?
  private(set) var skippedRegions = 0
  private(set) var skippedBytes = 0
  /// Where the next block begins.
  private(set) var offset = SegmentHeader.length
  private let file: InputFile
  private let damage: DamagePolicy
  /// Where blocks end.
  private let end: Int
  private var compressed: [UInt8] = []
  private let decoder = ZstdBlockDecoder()

  init(_ path: String, damage: DamagePolicy) throws(TapeError) {
    (self.path, self.damage) = (path, damage)
    do { file = try InputFile(path: path) } catch { throw .unpacking(error) }
    let start = try Self.bytes(of: file, at: 0, count: min(SegmentHeader.length, file.size))
    let tail = try Self.bytes(of: file, at: file.size - SegmentFooter.length, count: SegmentFooter.length)
    footer = tail.flatMap { SegmentFooter($0) }
    end = footer == nil ? file.size : file.size - SegmentFooter.length
    guard file.size >= SegmentHeader.length else {
      guard SegmentHeader.magic.starts(with: (start ?? []).prefix(SegmentHeader.magic.count)) else {
        throw .notATape(file: path)
      }
      header = nil
      if file.size > 0 { tear = TapeTear(file: path, offset: 0, bytes: file.size) }
      offset = end
      return
    }
    do throws(TapeError) {
      header = try SegmentHeader(start ?? [], file: path)
    } catch {
      guard damage == .skip, case .damaged = error else { throw error }
      header = nil
      skippedRegions = 1
      skippedBytes = SegmentHeader.length
    }
  }

  /// Where the whole blocks end, once all were read.
  var wholeEnd: Int { tear?.offset ?? offset }

  /// The next whole block whose latest record is not before `from`; `nil` at the end.
  func next(from: Int64 = .min, into contents: inout [UInt8]) throws(TapeError) -> BlockHeader? {
    while let block = try next(from: from) {
      if decoder.decode(compressed[block.range], count: block.header.count, into: &contents) { return block.header }
      try skip(from: block.offset, to: offset, "a block cannot be unpacked")
    }
    return nil
  }

  /// As above, but without unpacking.
  func next(from: Int64 = .min) throws(TapeError) -> Block? {
    while offset < end {
      guard let header = try header(at: offset), header.compressedCount <= end - offset - BlockHeader.length else {
        guard try passFault("a block's header is not whole") else { return nil }
        continue
      }
      let start = offset
      let next = start + BlockHeader.length + header.compressedCount
      guard header.latest >= from else {
        offset = next
        continue
      }
      guard try fillCompressed(at: start + BlockHeader.length, count: header.compressedCount),
        BlockHeader.check(of: compressed[..<header.compressedCount]) == header.check
      else {
        guard try passFault("a block's check differs") else { return nil }
        continue
      }
      offset = next
      return Block(offset: start, header: header, range: 0..<header.compressedCount)
    }
    return nil
  }

  /// A block's contents turned out to be wrong.
  func refuse(_ reason: String) throws(TapeError) { try skip(from: offset, to: offset, reason) }

  // MARK: Faults

  /// Goes on behind bytes that are no whole block. `false` if only a torn tail is left.
  private func passFault(_ reason: String) throws(TapeError) -> Bool {
    let start = offset
    let found = try nextHeader(after: start)
    if found == nil, footer == nil {
      tear = TapeTear(file: path, offset: start, bytes: end - start)
      offset = end
      return false
    }
    try skip(from: start, to: found ?? end, reason)
    offset = found ?? end
    return true
  }

  private func skip(from start: Int, to end: Int, _ reason: String) throws(TapeError) {
    guard damage == .skip else { throw .damaged(file: path, offset: start, reason: reason) }
    skippedRegions += 1
    skippedBytes += end - start
  }

  /// Where the next block header stands that no byte has changed in.
  private func nextHeader(after start: Int) throws(TapeError) -> Int? {
    let step = 1 << 18
    var base = start + 1
    while base + BlockHeader.length <= end {
      let count = min(step + BlockHeader.length - 1, end - base)
      guard let bytes = try Self.bytes(of: file, at: base, count: count) else { return nil }
      for index in 0...count - BlockHeader.length where bytes[index] == BlockHeader.magic[0] {
        if BlockHeader(bytes[index..<index + BlockHeader.length]) != nil { return base + index }
      }
      base += step
    }
    return nil
  }

  // MARK: Bytes

  private func header(at offset: Int) throws(TapeError) -> BlockHeader? {
    guard BlockHeader.length <= end - offset else { return nil }
    return try Self.bytes(of: file, at: offset, count: BlockHeader.length).flatMap { BlockHeader($0[...]) }
  }

  private func fillCompressed(at offset: Int, count: Int) throws(TapeError) -> Bool {
    if compressed.count < count { compressed = [UInt8](repeating: 0, count: count) }
    file.seek(to: offset)
    var filled = 0
    do {
      while filled < count {
        let more = try file.read(into: &compressed, from: filled, upTo: count)
        guard more > 0 else { return false }
        filled += more
      }
    } catch {
      throw .unpacking(error)
    }
    return true
  }

  private static func bytes(of file: InputFile, at offset: Int, count: Int) throws(TapeError) -> [UInt8]? {
    do { return try file.bytes(at: offset, count: count) } catch { throw .unpacking(error) }
  }
}
