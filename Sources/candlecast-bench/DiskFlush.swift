import Glibc
import Platform

/// What a commit waits for on this disk whatever the database does: a piece of a log, written and flushed. The file
/// stands where the script puts the server's.
final class DiskFlush {
  enum Log {
    /// Pages of a file that has its full length already, as a log of PostgreSQL has.
    case ofFullLength
    /// Some hundred bytes at its end, as DuckDB writes for a candle.
    case growing

    fileprivate var pieceBytes: Int {
      switch self {
      case .ofFullLength: 8192
      case .growing: 512
      }
    }

    /// As the database does.
    fileprivate func flush(_ descriptor: Int32) -> Int32 {
      switch self {
      case .ofFullLength: fdatasync(descriptor)
      case .growing: fsync(descriptor)
      }
    }

    /// That are written before any is written again; `nil` without end.
    fileprivate var pieces: Int? {
      switch self {
      case .ofFullLength: 2048
      case .growing: nil
      }
    }
  }

  struct Failed: Error { let code: Int32 }

  private let folder: ScratchFolder
  private let descriptor: Int32
  private let log: Log
  private let piece: [UInt8]
  private var next = 0

  init(_ log: Log) throws {
    (folder, self.log) = (try ScratchFolder(), log)
    piece = [UInt8](repeating: 0x5A, count: log.pieceBytes)
    descriptor = open(folder.path + "/log", O_RDWR | O_CREAT, 0o600)
    for _ in 0..<(log.pieces ?? 0) { try write() }
    guard fsync(descriptor) == 0 else { throw Failed(code: errno) }
  }

  deinit { close(descriptor) }

  private func write() throws {
    let place = log.pieces.map { next % $0 } ?? next
    guard pwrite(descriptor, piece, piece.count, off_t(place * piece.count)) == piece.count else {
      throw Failed(code: errno)
    }
    next += 1
  }

  private func flush() throws {
    try write()
    guard log.flush(descriptor) == 0 else { throw Failed(code: errno) }
  }

  /// One after the other.
  func raw(_ name: String) throws -> Measurement { try Measurement.latency(name, count: 5000) { _ in try flush() } }

  /// As often as the feed of `live` has candles, from the moment that one is due.
  func paced(_ name: String) throws -> Measurement {
    var latencies: [Int64] = []
    try LiveRun.pace { _, due in
      try flush()
      latencies.append((SystemClock.wallNanoseconds() - due) / 1000)
    }
    return Measurement.milliseconds(name, latencies)
  }
}

extension Measurement {
  /// Of single times in microseconds.
  static func milliseconds(_ name: String, _ microseconds: [Int64]) -> Measurement {
    let sorted = microseconds.sorted()
    func percentile(_ share: Int) -> Double { Double(sorted[min(sorted.count - 1, sorted.count * share / 100)]) / 1000 }
    return Measurement(
      name: name, unit: "ms", n: sorted.count, figures: .percentiles(p50: percentile(50), p99: percentile(99)))
  }
}
