import Glibc
import Ingestion
import Market
import Operations
import Platform
import Storage
import Synchronization
import Tape

/// What the health pages tell; the service replaces it, the server's thread reads it.
final class LiveStatus: Sendable {
  struct Facts: Sendable {
    var report: LiveReport
    var writer: WriterStatistics
    var inboxWaits: Int
    var tape: TapeFacts?
    var predictions: [String: Int] = [:]
    var isReady = false
  }

  struct TapeFacts: Sendable {
    let counts: TapeWriter.Counts
    let bytes: Int
    let isRecording: Bool
  }

  /// Where the health pages are served.
  struct Ports: Sendable {
    let feeder: Int
    let gapHandler: Int
  }

  let startedSeconds = SystemClock.seconds()
  private let facts = Mutex<Facts?>(nil)
  private let taken = Mutex<Ports?>(nil)

  func set(_ new: Facts) { facts.withLock { $0 = new } }

  func listens(on ports: Ports) { taken.withLock { $0 = ports } }

  /// `nil` before any is taken.
  var ports: Ports? { taken.withLock { $0 } }

  var current: Facts? { facts.withLock { $0 } }

  var uptimeSeconds: Double { SystemClock.seconds() - startedSeconds }
}

extension LiveStatus.Facts {
  var series: [SeriesReport] { report.feeds.flatMap(\.series) }
  var isConnected: Bool { report.feeds.allSatisfy(\.isConnected) }
  var isStoring: Bool { writer.failure == nil }
  var newestCandle: Timestamp? { series.compactMap(\.counts.newest).max() }
  var openGaps: Int { series.count { $0.missingMinutes > 0 } }

  /// Unhealthy when nothing can be stored; degraded when something is missing or not connected.
  var state: String {
    if !isStoring { return "unhealthy" }
    return isConnected && openGaps == 0 && tape?.isRecording != false ? "healthy" : "degraded"
  }
}
