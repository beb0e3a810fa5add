import Glibc
import Platform

/// What a commit waits for on this disk whatever the database does: a page written into a file that has its full length
/// already, as a log of PostgreSQL has, and flushed. The file stands where the script puts the server's.
final class DiskFlush {
  struct Failed: Error { let code: Int32 }

  private static let pageBytes = 8192
  private static let pages = 2048

  private let folder: ScratchFolder
  private let descriptor: Int32
  private let page = [UInt8](repeating: 0x5A, count: pageBytes)
  private var next = 0

  init() throws {
    folder = try ScratchFolder()
    descriptor = open(folder.path + "/log", O_RDWR | O_CREAT, 0o600)
    for _ in 0..<Self.pages { try write() }
    guard fsync(descriptor) == 0 else { throw Failed(code: errno) }
  }

  deinit { close(descriptor) }

  private func write() throws {
    let offset = off_t(next % Self.pages * Self.pageBytes)
    guard pwrite(descriptor, page, Self.pageBytes, offset) == Self.pageBytes else { throw Failed(code: errno) }
    next += 1
  }

  private func flush() throws {
    try write()
    guard fdatasync(descriptor) == 0 else { throw Failed(code: errno) }
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
