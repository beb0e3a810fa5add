import FoundationEssentials
import Market
import Tape

/// Records like those of a feed: several sources, times that mostly rise, payloads of any length.
struct RandomTape {
  var random: SplitMix64
  private(set) var time: Int64 = 1_723_161_253_937_085_768

  init(seed: UInt64) { random = SplitMix64(seed: seed) }

  mutating func record(longest: Int = 300) -> TapeRecord {
    time += Int64.random(in: -1_000_000...200_000_000, using: &random)
    let words = ["bid", "ask", "61837.63000000", "\u{0}", "quantity"]
    var payload: [UInt8] = []
    let count = Int.random(in: 0...longest, using: &random)
    while payload.count < count {
      payload += Array(words[Int.random(in: 0..<words.count, using: &random)].utf8)
      payload.append(UInt8.random(in: .min ... .max, using: &random))
    }
    return TapeRecord(
      arrivalNanoseconds: time, source: "binance/socket/\(Int.random(in: 0..<4, using: &random))",
      kind: TapeKind(rawValue: UInt8.random(in: 0...20, using: &random)), payload: Array(payload.prefix(count)))
  }
}

extension TapeReader {
  func all() throws -> [TapeRecord] {
    var records: [TapeRecord] = []
    while let record = try next() { records.append(record) }
    return records
  }
}

extension RecordingReader {
  func all() throws -> [TapeRecord] {
    var records: [TapeRecord] = []
    while let record = try next() { records.append(record) }
    return records
  }
}

extension TapeOptions {
  static func small(segmentBytes: Int = 8192, blockBytes: Int = 1024, capBytes: Int = 1 << 30) -> TapeOptions {
    var options = TapeOptions()
    (options.segmentBytes, options.blockBytes, options.capBytes) = (segmentBytes, blockBytes, capBytes)
    options.flushMilliseconds = nil
    options.segmentSeconds = 1_000_000
    return options
  }
}

func segments(in folder: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".ctape") }.sorted().map {
    folder + "/" + $0
  }
}

func bytes(of path: String) throws -> [UInt8] { try Array(Data(contentsOf: URL(filePath: path))) }

func put(_ bytes: [UInt8], at path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }
