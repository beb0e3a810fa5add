import Features
import FoundationEssentials
import Glibc
import Market
import Models
import Operations
import Pipeline
import Platform
import Serving
import TestSupport
import Transport

/// The server alone, for a load from another process: `candlecast-bench serve FOLDER`.
///
/// It makes a version of realistic size in the folder, with the trees of `trees.json` if that is there, writes a request's body and the port there, answers `/predict`
/// by it, and tells clients of `/ws` something every second until it is killed: all at once those that listen to
/// `ALL`, one after the other those that listen to `S0` to `S99`.
enum ServeBenchmark {
  static let word = "serve"
  private static let target = PredictionTarget.direction(horizonMinutes: 15)
  static let groups = 100
  static let widthWord = "serve-width"
  /// How many columns the trees read.
  static var width: Int { FeatureSet.of(MadeVersion.view).modelColumns.count }

  static func run(folder: String) throws {
    raiseFileLimit()
    let models = ServedModels(view: MadeVersion.view, preset: target)
    models.serve(target, with: ServedVersion(try bundle(in: folder), standing: .production))
    try write(body, to: folder + "/body.json")
    let hub = Hub()
    let door = Doorkeeper(AccessPolicy(), seconds: { Double(SystemClock.monotonicNanoseconds()) / 1e9 })
    let server = try HTTPServer(
      .init(maxBodyBytes: 1 << 20, pingIntervalSeconds: nil),
      handler: APIServer([.predict(models), .live], hub: hub, doorkeeper: door))
    try write("\(server.port)", to: folder + "/port")
    tell(hub)
  }

  /// The target has no window, so a body is a vector alone.
  private static var body: String {
    var generator = SplitMix64(seed: 9)
    let values = FeatureSet.of(MadeVersion.view).names.map { _ in "\(Float.random(in: -4...4, using: &generator))" }
    return "{\"features\":[\(values.joined(separator: ","))]}"
  }

  private static func bundle(in folder: String) throws -> ModelBundle {
    let set = FeatureSet.of(MadeVersion.view)
    let columns = MadeVersion.Columns(
      hash: set.hash.description, names: set.names, model: set.modelColumns.map { set.names[$0] },
      sequence: set.sequenceColumns.map { set.names[$0] })
    let made = MadeVersion(target: target, columns: columns, treeCount: 300, depth: 6)
    var files = try made.files()
    if let trees = FileManager.default.contents(atPath: folder + "/trees.json") {
      files[VersionDirectory.File.treesA] = Array(trees)
    }
    let path = folder + "/" + made.name
    try VersionDirectory.write(try made.card(), calibration: made.calibration, files: files, to: path)
    return try ModelBundle(
      path: path, view: MadeVersion.view, featureSetHash: columns.hash, columnNames: columns.names)
  }

  private static func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
  }

  /// As long as a prediction is.
  static let padding = String(repeating: "x", count: 300)

  private static func tell(_ hub: Hub) {
    let symbols = (0..<groups).compactMap { Symbol("S\($0)") }
    guard let all = Symbol("ALL") else { return }
    let start = SystemClock.monotonicNanoseconds()
    var tick: Int64 = 0
    while true {
      let now = SystemClock.monotonicNanoseconds()
      let due = start + tick * 1_000_000_000 / Int64(groups)
      if due > now { usleep(UInt32((due - now) / 1000)) }
      for symbol in [symbols[Int(tick) % groups]] + (tick % Int64(groups) == 0 ? [all] : []) {
        hub.publish(
          .predictions, of: symbol,
          ["sent": .integer(SystemClock.monotonicNanoseconds()), "padding": .text(padding)])
      }
      tick += 1
    }
  }

  /// Returns how many files may be open.
  @discardableResult
  static func raiseFileLimit() -> Int {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return Int(clamping: limit.rlim_cur)
  }
}
