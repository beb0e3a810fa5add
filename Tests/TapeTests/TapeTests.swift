import FoundationEssentials
import Glibc
import Market
import Tape
import TestSupport
import Testing

struct TapeTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(arguments: Soak.seeds(10))
  func `what was written is read, over any flushes, segments and restarts`(seed: UInt64) throws {
    var made = RandomTape(seed: seed)
    let options = TapeOptions.small()
    var records: [TapeRecord] = []
    for _ in 0..<3 {
      let writer = try TapeWriter(folder: folder.path, options)
      for _ in 0..<400 {
        let record = made.record()
        records.append(record)
        writer.append(record)
        if Int.random(in: 0..<50, using: &made.random) == 0 { writer.flush() }
      }
      if Bool.random(using: &made.random) { writer.close() } else { writer.flush() }
      #expect(writer.counts.records == 400)
      #expect(writer.cuts.isEmpty)
    }
    #expect(try TapeReader(folder.path).all() == records)
    #expect(try segments(in: folder.path).count > 10)
    let found = try TapeVerification(of: folder.path)
    #expect(found.isIntact && found.tears.isEmpty && found.records == records.count)
  }

  @Test(arguments: Soak.seeds(10))
  func `reading from a time on leaves out what came before`(seed: UInt64) throws {
    var made = RandomTape(seed: seed)
    let records = (0..<800).map { _ in made.record() }
    let writer = try TapeWriter(folder: folder.path, .small())
    records.forEach { writer.append($0) }
    writer.flush()
    for _ in 0..<20 {
      let from = records.randomElement(using: &made.random)!.arrivalNanoseconds
      #expect(try TapeReader(folder.path, from: from).all() == records.filter { $0.arrivalNanoseconds >= from })
    }
  }

  @Test(arguments: [true, false])
  func `a tape cut at any byte gives its whole blocks and goes on after a restart`(isClosed: Bool) throws {
    var made = RandomTape(seed: 7)
    let records = (0..<24).map { _ in made.record(longest: 40) }
    let writer = try TapeWriter(folder: folder.file("whole"), .small())
    var wholeAt: [(bytes: Int, records: Int)] = [(32, 0)]
    for (index, record) in records.enumerated() {
      writer.append(record)
      guard index % 6 == 5 else { continue }
      writer.flush()
      wholeAt.append((writer.folderBytes, index + 1))
    }
    if isClosed { writer.close() }
    let source = try #require(segments(in: folder.file("whole")).first)
    let whole = try bytes(of: source)
    let late = made.record()
    for cut in 0..<whole.count {
      let path = folder.file("cut-\(cut)")
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try put(Array(whole.prefix(cut)), at: path + "/tape-20240808T235413Z-000001.ctape")
      let last = wholeAt.last { $0.bytes <= cut } ?? (0, 0)
      let kept = Array(records.prefix(last.records))
      let reader = try TapeReader(path)
      #expect(try reader.all() == kept)
      #expect(reader.tears.map(\.bytes) == (cut > last.bytes ? [cut - last.bytes] : []))
      #expect(try TapeVerification(of: path).isIntact)

      let next = try TapeWriter(folder: path, .small())
      #expect(next.cuts.map(\.offset) == (cut > last.bytes ? [last.bytes] : []))
      next.append(late)
      next.close()
      let again = try TapeReader(path)
      #expect(try again.all() == kept + [late])
      #expect(again.tears.isEmpty)
      let found = try TapeVerification(of: path)
      #expect(found.isIntact && found.closedSegments == found.segments)
    }
  }

  @Test(arguments: Soak.seeds(4))
  func `a changed bit anywhere is found, and skipped if asked`(seed: UInt64) throws {
    var made = RandomTape(seed: seed)
    let records = (0..<60).map { _ in made.record(longest: 80) }
    let writer = try TapeWriter(folder: folder.path, .small())
    records.forEach { writer.append($0) }
    writer.close()
    let path = try #require(segments(in: folder.path).first)
    let whole = try bytes(of: path)
    for _ in 0..<150 {
      var changed = whole
      let offset = Int.random(in: 0..<whole.count, using: &made.random)
      changed[offset] ^= 1 << UInt8.random(in: 0..<8, using: &made.random)
      try put(changed, at: path)
      let found = try TapeVerification(of: path)
      #expect(!found.isIntact || !found.tears.isEmpty, "byte \(offset)")
      guard offset >= 8, offset < whole.count - 72 else { continue }
      let error = #expect(throws: TapeError.self) { try TapeReader(path).all() }
      guard case .damaged(path, _, _) = error else {
        if case .otherVersion = error, offset < 10 { continue }
        Issue.record("\(String(describing: error))")
        continue
      }
      guard offset >= 32 else { continue }
      let reader = try TapeReader(path, damage: .skip)
      let left = try reader.all()
      #expect(reader.skippedRegions == 1 && reader.skippedBytes > 0)
      #expect(left.count < records.count && isPart(left, of: records))
    }
  }

  @Test(arguments: Soak.seeds(20))
  func `no file makes a reader fail otherwise than with an error`(seed: UInt64) throws {
    var made = RandomTape(seed: seed)
    let writer = try TapeWriter(folder: folder.path, .small())
    for _ in 0..<40 { writer.append(made.record(longest: 60)) }
    if Bool.random(using: &made.random) { writer.close() } else { writer.flush() }
    let path = try #require(segments(in: folder.path).first)
    let whole = try bytes(of: path)
    for _ in 0..<40 {
      try put(mutated(whole, &made.random), at: path)
      for policy in DamagePolicy.allCases {
        do {
          #expect(try TapeReader(path, damage: policy).all().count <= 200)
        } catch is TapeError {}
      }
      do { _ = try TapeVerification(of: path) } catch {}
    }
  }

  @Test(arguments: Soak.seeds(10))
  func `the folder never grows over its cap, and its oldest segments go first`(seed: UInt64) throws {
    var made = RandomTape(seed: seed)
    let cap = Int.random(in: 8192...40_000, using: &made.random)
    var records: [TapeRecord] = []
    for _ in 0..<2 {
      let writer = try TapeWriter(folder: folder.path, .small(capBytes: cap))
      for _ in 0..<1000 {
        let record = made.record()
        records.append(record)
        writer.append(record)
        #expect(writer.folderBytes <= cap)
      }
      writer.close()
      #expect(writer.counts.deletedSegments > 0)
      let onDisk = try segments(in: folder.path).reduce(0) { try $0 + bytes(of: $1).count }
      #expect(onDisk == writer.folderBytes && onDisk <= cap)
    }
    let left = try TapeReader(folder.path).all()
    #expect(left == records.suffix(left.count) && !left.isEmpty)
  }

  @Test func `a smaller cap deletes at the start`() throws {
    var made = RandomTape(seed: 1)
    let writer = try TapeWriter(folder: folder.path, .small())
    for _ in 0..<1000 { writer.append(made.record()) }
    writer.close()
    #expect(writer.folderBytes > 40_000)
    let next = try TapeWriter(folder: folder.path, .small(capBytes: 20_000))
    #expect(next.folderBytes <= 20_000 && next.folderBytes > 8000)
  }

  @Test func `options that do not fit together are an error at the start`() throws {
    let path = folder.path
    #expect(throws: TapeError.capTooSmall(capBytes: 8191, segmentBytes: 8192)) {
      try TapeWriter(folder: path, .small(capBytes: 8191))
    }
    for options in [TapeOptions.small(segmentBytes: 2048), .small(blockBytes: 0), .small(blockBytes: 1 << 30)] {
      #expect(throws: TapeError.self) { try TapeWriter(folder: path, options) }
    }
  }

  @Test func `a folder has one writer`() throws {
    let first = try TapeWriter(folder: folder.path)
    #expect(throws: TapeError.inUse(folder: folder.path)) { try TapeWriter(folder: folder.path) }
    first.close()
  }

  @Test func `a record waits no longer than the options say`() throws {
    var options = TapeOptions()
    options.flushMilliseconds = 500
    let writer = try TapeWriter(folder: folder.path, options)
    func readable() throws -> Int { try TapeReader(folder.path).all().count }
    func append(at milliseconds: Int64) {
      writer.append(
        TapeRecord(
          arrivalNanoseconds: 1_700_000_000_000_000_000 + milliseconds * 1_000_000, source: "s", kind: .tick,
          payload: []))
    }
    append(at: 0)
    append(at: 499)
    #expect(try readable() == 0)
    writer.advance(to: 1_700_000_000_499_000_000)
    #expect(try readable() == 0)
    writer.advance(to: 1_700_000_000_500_000_000)
    #expect(try readable() == 2)
    append(at: 1000)
    append(at: 1500)
    #expect(try readable() == 4)
    append(at: 2000)
    append(at: 1000)
    #expect(try readable() == 6, "the clock was set back")
    append(at: 3000)
    writer.flush()
    #expect(try readable() == 7)
  }

  @Test func `segments are closed by age, also when nothing arrives`() throws {
    var options = TapeOptions()
    options.segmentSeconds = 60
    let writer = try TapeWriter(folder: folder.path, options)
    let start: Int64 = 1_723_161_253_937_085_768
    for second in 0..<150 {
      writer.append(
        TapeRecord(
          arrivalNanoseconds: start + Int64(second) * 1_000_000_000, source: "s", kind: .tick, payload: []))
    }
    #expect(try segments(in: folder.path).count == 3)
    writer.advance(to: start + 200_000_000_000)
    let found = try TapeVerification(of: folder.path)
    #expect(found.closedSegments == 3 && found.records == 150)
    #expect(try segments(in: folder.path)[0].hasSuffix("/tape-20240808T235413Z-000001.ctape"))
  }

  @Test func `what is too long for a segment is refused and counted`() throws {
    let writer = try TapeWriter(folder: folder.path, .small())
    let long = [UInt8](repeating: 1, count: 8192)
    writer.append(TapeRecord(arrivalNanoseconds: 1, source: "s", kind: .text, payload: long))
    let name = String(repeating: "x", count: 256)
    writer.append(TapeRecord(arrivalNanoseconds: 1, source: name, kind: .text, payload: []))
    writer.append(TapeRecord(arrivalNanoseconds: 1, source: "s", kind: .text, payload: Array(long.prefix(5000))))
    writer.close()
    #expect(writer.counts.refused == 2 && writer.counts.records == 1)
    #expect(try TapeReader(folder.path).all().map(\.payload.count) == [5000])
  }

  @Test func `the longest records fit, however badly they compress`() throws {
    var random = SplitMix64(seed: 3)
    let writer = try TapeWriter(folder: folder.path, .small(capBytes: 8192))
    for _ in 0..<60 {
      let payload = (0..<Int.random(in: 1...5800, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random)
      }
      writer.append(TapeRecord(arrivalNanoseconds: 1, source: "s", kind: .text, payload: payload))
      #expect(writer.folderBytes <= 8192)
      for path in try segments(in: folder.path) { #expect(try bytes(of: path).count <= 8192) }
    }
    #expect(writer.state == .recording && writer.counts.refused == 0)
  }

  @Test func `a disk that takes no more ends the recording and not the program`() async throws {
    await #expect(processExitsWith: .success) {
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 20_000, rlim_max: 20_000)
      setrlimit(__rlimit_resource_t(UInt32(RLIMIT_FSIZE.rawValue)), &limit)
      let folder = try TemporaryFolder()
      var made = RandomTape(seed: 5)
      let writer = try TapeWriter(folder: folder.path, .small(segmentBytes: 1 << 20))
      var records: [TapeRecord] = []
      for _ in 0..<2000 {
        records.append(made.record())
        writer.append(records[records.count - 1])
      }
      guard case .stopped(.cannotWrite(_, let reason)) = writer.state else { exit(2) }
      let counts = writer.counts
      let kept = try TapeReader(folder.path).all()
      guard reason == "File too large", counts.records + counts.dropped == 2000, counts.dropped > 100,
        kept == Array(records.prefix(counts.records))
      else { exit(3) }
    }
  }

  @Test func `other files are told apart from damaged ones`() throws {
    let text = try folder.write("2024-08-08 is no tape, whatever it is called", to: "tape-1-1.ctape")
    #expect(throws: TapeError.notATape(file: text)) { try TapeReader(text).all() }
    #expect(throws: TapeError.notATape(file: text)) { try TapeWriter(folder: folder.path) }
    #expect(throws: TapeError.self) { try TapeReader(folder.file("missing")).all() }
  }

  // MARK: Helpers

  /// Every record of `part` is in `whole`, in the same order.
  private func isPart(_ part: [TapeRecord], of whole: [TapeRecord]) -> Bool {
    var rest = whole[...]
    for record in part {
      guard let index = rest.firstIndex(of: record) else { return false }
      rest = rest[(index + 1)...]
    }
    return true
  }

  private func mutated(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      guard bytes.count > 1 else { return bytes }
      let start = Int.random(in: 0..<bytes.count, using: &random)
      let end = min(bytes.count, start + Int.random(in: 1...64, using: &random))
      switch Int.random(in: 0..<5, using: &random) {
      case 0: bytes[start] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.removeSubrange(start..<end)
      case 2: bytes.insert(contentsOf: bytes[start..<end], at: Int.random(in: 0...bytes.count, using: &random))
      case 3: for index in start..<end { bytes[index] = UInt8.random(in: 0...255, using: &random) }
      default: bytes.removeLast(bytes.count - start)
      }
    }
    return bytes
  }
}
