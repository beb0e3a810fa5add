import Crypto
import Dataset
import FoundationEssentials
import Market
import Models
import Operations
import Pipeline
import Storage

/// Where the points between candles come from.
struct TapeSource: Sendable {
  /// Tape, folder of tapes, or text of frames.
  let path: String
  /// The store that the recorded runs began with.
  let history: StoreLocation
}

extension TrainingJob {
  /// Points of a tape, made anew each time: a tape grows while a service runs.
  func makeDataset(from source: TapeSource) throws -> (entry: DatasetCache.Entry, counts: TickDatasetHeader) {
    try context.requireOwnModels()
    var bar = context.progress("tape", unit: "points", total: nil)
    defer { bar.finish() }
    let cadence = TickCadence(context.configuration)
    let examples = TapeExamples(context.view, cadence, range: range) { bar.update(Int64($0)) }
    var replay = RecordingReplay(context: context, path: source.path, destination: nil, history: source.history)
    replay.examples = examples
    _ = try replay.run()
    let folder = context.stateFolder + "/datasets"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = "\(folder)/ticks-\(key(source, cadence)).dataset"
    try examples.write(to: path)
    return (DatasetCache.Entry(path: path, isNew: true), examples.counts)
  }

  private func key(_ source: TapeSource, _ cadence: TickCadence) -> String {
    let parts = [
      context.view.description, source.path, "\(cadence.intervalMilliseconds)", "\(range.lowerBound.microseconds)",
      "\(range.upperBound.microseconds)",
    ]
    return String(SHA256.hexDigest(of: Array(parts.joined(separator: "\n").utf8)).prefix(24))
  }

  /// Points of a tape, fitted and registered. A service that has the store meanwhile learns of it by itself.
  func run(on source: TapeSource) throws -> (result: Result, counts: TickDatasetHeader) {
    let (dataset, counts) = try makeDataset(from: source)
    let result = try fit(dataset)
    context.recordModelsIfPossible()
    return (result, counts)
  }
}

extension TickDatasetHeader {
  /// Such as `6.2 h of tape with trades: 14,880 points, …`.
  var text: String {
    let rarest = missing.max { ($0.value, $1.key) < ($1.value, $0.key) }
    return
      "\(hours.rounded(digits: 1)) h of tape with trades: \(points.grouped) points, of which \(incomplete.grouped) lack "
      + "an input\(rarest.map { " (most often \($0.key))" } ?? "") and \(unlabelled.grouped) have no certain outcome"
  }

  var json: JSONValue {
    [
      "hours": JSONValue(hours), "points": JSONValue(points), "incomplete": JSONValue(incomplete),
      "unlabelled": JSONValue(unlabelled), "rows": JSONValue(rows),
      "interval_milliseconds": .integer(intervalMilliseconds),
      "synthetic": .boolean(isSynthetic),
    ]
  }
}
