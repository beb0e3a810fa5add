import FoundationEssentials
import Market
import TestSupport
import Testing

@testable import Storage

/// A checkpoint that is cut off while it writes in place.
struct DoublewriteTests {
  private static let series = Series(.binance, .btcusdt)
  private static let blockStart = 3 * 4096
  private static let blockBytes = 256 << 10

  /// A store before and after a checkpoint, as its files lay while a process had it open.
  private struct Checkpoint {
    let before: [String: Data]
    let after: [String: Data]
    let candles: [Candle]

    init(_ folder: TemporaryFolder) throws {
      let path = folder.file("whole.duckdb")
      let store = try DuckDBStore(path: path)
      try store.checkpointOnRequestOnly()
      candles = RandomWalk()(seed: 1, count: 600)
      try DoublewriteTests.commit(Array(candles.prefix(300)), to: store)
      #expect(try store.checkpoint())
      try DoublewriteTests.commit(Array(candles.suffix(300)), to: store)
      let before = try Self.files(path)
      #expect(try store.checkpoint())
      after = try Self.files(path)
      // The copies are made when the checkpoint begins.
      self.before = before.merging([DoublewriteFile.suffix: try #require(after[DoublewriteFile.suffix])]) { $1 }
    }

    private static func files(_ path: String) throws -> [String: Data] {
      var files: [String: Data] = [:]
      for ending in ["", ".wal", DoublewriteFile.suffix] {
        files[ending] = FileManager.default.contents(atPath: path + ending)
      }
      return files
    }
  }

  private static func commit(_ candles: [Candle], to store: DuckDBStore) throws {
    var batch = LiveBatch(knownAt: candles[0].closeTime)
    batch.candles = candles.map { candle in
      LiveCandle(
        series,
        CandleRecord(
          candle: candle, availableAt: candle.closeTime, knownAt: candle.closeTime, provenance: .live,
          isAvailabilityAssumed: false))
    }
    try store.commit([batch])
  }

  private func lay(_ files: [String: Data], in folder: TemporaryFolder) throws -> String {
    let path = folder.file("\(UUID()).duckdb")
    for (ending, bytes) in files { try bytes.write(to: URL(filePath: path + ending)) }
    return path
  }

  /// The catalogue's block as it is when so much of it has been written.
  private func torn(_ checkpoint: Checkpoint, after bytes: Int) throws -> [String: Data] {
    var files = checkpoint.before
    let (old, new) = (try #require(checkpoint.before[""]), try #require(checkpoint.after[""]))
    let place = Self.blockStart..<Self.blockStart + bytes
    #expect(old.count >= Self.blockStart + Self.blockBytes)
    files[""]?.replaceSubrange(place, with: new[place])
    return files
  }

  @Test(arguments: [4096, 8192, 12288, 65536, 131_072])
  func `what it has written is undone, and the log brings back what it was about`(bytes: Int) throws {
    let folder = try TemporaryFolder()
    let checkpoint = try Checkpoint(folder)
    var files = try torn(checkpoint, after: bytes)
    let path = try lay(files, in: folder)
    #expect(try DuckDBStore(path: path).candles(Self.series).map(\.candle) == checkpoint.candles)
    #expect(!FileManager.default.fileExists(atPath: path + DoublewriteFile.suffix))

    // Without the copies DuckDB calls it corrupt, so they are what helped.
    files[DoublewriteFile.suffix] = nil
    let bare = try lay(files, in: folder)
    #expect(throws: StoreError.self) { try DuckDBStore(path: bare).candles(Self.series) }
  }

  @Test func `who only reads undoes it too`() throws {
    let folder = try TemporaryFolder()
    let checkpoint = try Checkpoint(folder)
    let path = try lay(try torn(checkpoint, after: 65536), in: folder)
    let store = try DuckDBStore(path: path, mode: .readOnly)
    #expect(try store.candles(Self.series).map(\.candle) == checkpoint.candles)
  }

  @Test func `copies of an earlier checkpoint, and copies that were cut off, count for nothing`() throws {
    let folder = try TemporaryFolder()
    let checkpoint = try Checkpoint(folder)
    let whole = try lay(checkpoint.after, in: folder)
    #expect(try DuckDBStore(path: whole).candles(Self.series).map(\.candle) == checkpoint.candles)

    var files = checkpoint.before
    files[DoublewriteFile.suffix]?.replaceSubrange(0..<8192, with: Data(count: 8192))
    let cut = try lay(files, in: folder)
    #expect(try DuckDBStore(path: cut).candles(Self.series).map(\.candle) == checkpoint.candles)
    for length in [0, 5, 12288, 12296, 100_000] {
      files[DoublewriteFile.suffix] = checkpoint.before[DoublewriteFile.suffix]?.prefix(length)
      let short = try lay(files, in: folder)
      #expect(try DuckDBStore(path: short).candles(Self.series).map(\.candle) == checkpoint.candles)
    }
  }

  @Test func `a store that was closed leaves none behind, and where none can be made none is opened`() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("closed.duckdb")
    let candles = RandomWalk()(seed: 2, count: 50)
    do {
      let store = try DuckDBStore(path: path)
      try Self.commit(candles, to: store)
      #expect(FileManager.default.fileExists(atPath: path + DoublewriteFile.suffix))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["closed.duckdb"])

    let blocked = folder.file("blocked.duckdb")
    try FileManager.default.createDirectory(atPath: blocked + DoublewriteFile.suffix, withIntermediateDirectories: true)
    #expect {
      _ = try DuckDBStore(path: blocked)
    } throws: {
      "\($0)".contains("cannot open \(blocked + DoublewriteFile.suffix)")
    }
  }
}
