import Compression

/// The records of anything that can be replayed: a tape, a text of `<receive time, ns> <raw frame>` lines (plain, gzip
/// or zstd), or a folder of such.
///
/// A folder's recordings are merged by arrival: its own segments are one, every folder `*.tape` in it and every
/// `*.gz`, `*.zst` and `*.txt` is another. One is opened when its first record is due, not before.
package final class RecordingReader {
  private enum Content {
    case tape(TapeReader)
    case text(TextRecording)
  }

  private struct Waiting {
    let path: String
    let start: Int64
  }

  private struct Running {
    let content: Content
    var head: TapeRecord
  }

  /// Ends that were cut short, as far as they were met.
  package private(set) var tears: [TapeTear] = []
  /// Texts that ended before their proper end.
  package private(set) var cutTexts: [String] = []
  /// Damaged stretches of tapes that were left out; always 0 unless that was asked for.
  package private(set) var skippedRegions = 0
  private let from: Int64
  private let source: String?
  private let damage: DamagePolicy
  /// Latest start first.
  private var waiting: [Waiting] = []
  private var running: [Running] = []

  /// - Parameters:
  ///   - source: of the records of a text, which do not say where they are from; otherwise `recording/<file name>`.
  ///   - from: earlier records are left out.
  package init(
    _ path: String, source: String? = nil, from: Int64 = .min, damage: DamagePolicy = .fail
  ) throws(TapeError) {
    (self.source, self.from, self.damage) = (source, from, damage)
    for path in try Self.recordings(at: path) {
      if let start = try start(of: path) { waiting.append(Waiting(path: path, start: start)) }
    }
    waiting.sort { ($0.start, $0.path) > ($1.start, $1.path) }
  }

  package func next() throws(TapeError) -> TapeRecord? {
    while let next = waiting.last, running.first.map({ next.start <= $0.head.arrivalNanoseconds }) ?? true {
      waiting.removeLast()
      let content = try open(next.path)
      guard let head = try self.next(of: content) else { continue }
      place(Running(content: content, head: head))
    }
    guard !running.isEmpty else { return nil }
    if running.count == 1 { return try advanceOnly() }
    var first = running.removeFirst()
    let record = first.head
    if let head = try next(of: first.content) {
      first.head = head
      place(first)
    }
    return record
  }

  /// The usual case, without moving anything.
  private func advanceOnly() throws(TapeError) -> TapeRecord {
    let record = running[0].head
    if let head = try next(of: running[0].content) { running[0].head = head } else { running.removeAll() }
    return record
  }

  /// Earliest first; of equals the one that was there stays in front.
  private func place(_ item: Running) {
    let index = running.firstIndex { $0.head.arrivalNanoseconds > item.head.arrivalNanoseconds }
    running.insert(item, at: index ?? running.endIndex)
  }

  private func next(of content: Content) throws(TapeError) -> TapeRecord? {
    switch content {
    case .tape(let reader):
      if let record = try reader.next() { return record }
      tears += reader.tears
      skippedRegions += reader.skippedRegions
    case .text(let reader):
      if let record = try reader.nextRecord() { return record }
      if reader.isCut { cutTexts.append(reader.path) }
    }
    return nil
  }

  // MARK: Finding

  private static func recordings(at path: String) throws(TapeError) -> [String] {
    guard FolderListing.isFolder(path) else { return [path] }
    let names = try FolderListing.names(in: path)
    let endings = [".tape", ".gz", ".zst", ".txt"]
    var found = names.filter { name in endings.contains { name.hasSuffix($0) } }.map { path + "/" + $0 }
    if names.contains(where: { SegmentName($0) != nil }) { found.append(path) }
    guard !found.isEmpty else { throw .empty(folder: path) }
    return found
  }

  /// When the first record came; `nil` if there is none.
  private func start(of path: String) throws(TapeError) -> Int64? {
    if try Self.isTape(path) {
      guard let first = try TapeReader.segments(of: path).first else { return nil }
      return try SegmentReader(first, damage: damage).header?.startNanoseconds ?? .min
    }
    return try TextRecording(path, source: "", from: from).nextRecord()?.arrivalNanoseconds
  }

  private func open(_ path: String) throws(TapeError) -> Content {
    if try Self.isTape(path) { return .tape(try TapeReader(path, from: from, damage: damage)) }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return .text(try TextRecording(path, source: source ?? "recording/\(name)", from: from))
  }

  /// A segment, or a folder of them.
  private static func isTape(_ path: String) throws(TapeError) -> Bool {
    guard !FolderListing.isFolder(path) else { return true }
    do throws(CompressionError) {
      let file = try InputFile(path: path)
      return try file.bytes(at: 0, count: SegmentHeader.magic.count) == SegmentHeader.magic
    } catch {
      throw .unpacking(error)
    }
  }
}
