import Compression
import Crypto
internal import Glibc

/// The closed segments of a folder that one process writes to, and the room they take.
final class TapeFolder {
  struct Segment {
    let name: SegmentName
    let bytes: Int
  }

  let path: String
  /// What crashes left behind, cut off when this folder was opened.
  private(set) var cuts: [TapeTear] = []
  private(set) var deletedSegments = 0
  private(set) var bytes = 0
  private(set) var nextSequence = 1
  /// Oldest first.
  private var segments: [Segment] = []
  private let lock: Int32

  init(_ path: String, isSynced: Bool) throws(TapeError) {
    self.path = path
    try Self.make(path)
    lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard lock >= 0 else { throw .cannotWrite(path: path, reason: String(cString: strerror(errno))) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else { throw .inUse(folder: path) }
    for name in try SegmentName.all(in: path) {
      nextSequence = name.sequence + 1
      try close(name, isSynced: isSynced)
      guard let bytes = FolderListing.size(of: path + "/" + name.text) else { continue }
      add(Segment(name: name, bytes: bytes))
    }
  }

  deinit { if lock >= 0 { Glibc.close(lock) } }

  /// Lets another writer in.
  func unlock() { flock(lock, LOCK_UN) }

  /// Makes the names of new segments survive a power cut.
  func sync() throws(TapeError) {
    guard fsync(lock) == 0 else { throw .cannotWrite(path: path, reason: String(cString: strerror(errno))) }
  }

  func nextName(startNanoseconds: Int64) -> SegmentName {
    defer { nextSequence += 1 }
    return SegmentName(startNanoseconds: startNanoseconds, sequence: nextSequence)
  }

  func add(_ segment: Segment) {
    segments.append(segment)
    bytes += segment.bytes
  }

  /// Deletes the oldest segments until all of them take at most `limit` bytes.
  func shrink(to limit: Int) throws(TapeError) {
    var deleted = 0
    while bytes > limit, deleted < segments.count {
      let file = path + "/" + segments[deleted].name.text
      guard unlink(file) == 0 || errno == ENOENT else {
        throw .cannotWrite(path: file, reason: String(cString: strerror(errno)))
      }
      bytes -= segments[deleted].bytes
      deleted += 1
    }
    segments.removeFirst(deleted)
    deletedSegments += deleted
  }

  /// Gives a segment that a crash left open its footer, after cutting off what was not written whole.
  private func close(_ name: SegmentName, isSynced: Bool) throws(TapeError) {
    let file = path + "/" + name.text
    let reader = try SegmentReader(file, damage: .skip)
    guard reader.footer == nil else { return }
    var footer = SegmentFooter()
    while let block = try reader.next(from: .min) { footer.count(block.header) }
    if let tear = reader.tear { cuts.append(tear) }
    guard footer.blocks > 0 else {
      unlink(file)
      return
    }
    let hash = try Self.hash(of: file, upTo: reader.wholeEnd)
    try SegmentOutput(cutting: file, at: reader.wholeEnd, footer: footer, hash: hash).close(isSynced: isSynced)
  }

  static func hash(of path: String, upTo end: Int) throws(TapeError) -> SHA256 {
    do throws(CompressionError) {
      let file = try InputFile(path: path)
      var hash = SHA256()
      var buffer = [UInt8](repeating: 0, count: 1 << 18)
      while file.position < end {
        let count = try file.read(into: &buffer, from: 0, upTo: end - file.position)
        guard count > 0 else { break }
        buffer[..<count].withUnsafeBytes { hash.update($0) }
      }
      return hash
    } catch {
      throw .unpacking(error)
    }
  }

  private static func make(_ path: String) throws(TapeError) {
    var partial = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      partial += "/" + part
      guard mkdir(partial, 0o755) != 0, !FolderListing.isFolder(partial) else { continue }
      throw .cannotWrite(path: partial, reason: String(cString: strerror(errno)))
    }
  }
}
