import Glibc
import Ingestion
import Market
import Operations
import Platform
import Serving
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
    /// By state, of those that are served.
    var predictions: [String: Int] = [:]
    var arms: [Prediction.Arm: Int] = [:]
    var measures = PredictionMeasures()
    /// `nil` where nobody looks.
    var recovery: Recovery?
    /// How often a file beside the store could not be written.
    var failedFiles = 0
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
    /// `nil` where it does not listen.
    let gapHandler: Int?
    /// `nil` where the API has no port of its own.
    var api: Int?
  }

  /// What became of other versions that the registry had.
  struct Reloads: Hashable, Sendable {
    var switched = 0
    /// Versions that cannot be served; what answered before goes on.
    var refused = 0
  }

  enum Reload: Hashable, Sendable {
    case switched
    case refused
  }

  /// What became of the reports to CloudWatch.
  struct Reports: Hashable, Sendable {
    var sent = 0
    var failed = 0
    /// Values that no metric has.
    var leftOut = 0
  }

  /// Live predictions that were computed again.
  struct Parity: Hashable, Sendable {
    var checked = 0
    var mismatches = 0
    var unverifiable = 0
  }

  enum Report: Hashable, Sendable {
    case success(leftOut: Int)
    case failure
  }

  /// The newest vectors, where a pipeline makes any.
  let features: FeatureBoard
  /// How often it went up after what was said.
  let intervals = ProbabilityIntervals()
  private let served = Mutex<ServedModels?>(nil)
  private let clock = Mutex<PipelineClock?>(nil)

  /// What answers for single vectors; `nil` where nothing predicts.
  var models: ServedModels? {
    get { served.withLock { $0 } }
    set { served.withLock { $0 = newValue } }
  }

  /// The pipeline's time; `nil` before it has one.
  var now: Timestamp? { clock.withLock { $0?.now() } }
  func runs(by new: PipelineClock) { clock.withLock { $0 = new } }

  let startedSeconds: Double
  private let facts = Mutex<Facts?>(nil)
  private let taken = Mutex<Ports?>(nil)
  private let told = Mutex(Reports())
  private let changed = Mutex(Reloads())
  private let checked = Mutex(Parity())
  private let jobs = Mutex(0)

  /// - Parameter startedSeconds: by this machine's clock.
  init(features: FeatureBoard = FeatureBoard(), startedSeconds: Double = SystemClock.seconds()) {
    (self.features, self.startedSeconds) = (features, startedSeconds)
  }

  func set(_ new: Facts) { facts.withLock { $0 = new } }

  func noteReport(_ report: Report) {
    told.withLock { reports in
      switch report {
      case .success(let leftOut):
        reports.sent += 1
        reports.leftOut += leftOut
      case .failure: reports.failed += 1
      }
    }
  }

  func noteReload(_ reload: Reload) {
    changed.withLock { reloads in
      switch reload {
      case .switched: reloads.switched += 1
      case .refused: reloads.refused += 1
      }
    }
  }

  func noteFailedJob() { jobs.withLock { $0 += 1 } }

  /// Jobs of the schedule that failed.
  var failedJobs: Int { jobs.withLock(\.self) }

  var reloads: Reloads { changed.withLock(\.self) }
  func note(_ result: LiveParity.Result) {
    checked.withLock { parity in
      parity.checked += result.checked
      parity.mismatches += result.mismatches.count
      parity.unverifiable += result.unverifiable
    }
  }

  var parity: Parity { checked.withLock(\.self) }

  var reports: Reports { told.withLock(\.self) }

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
