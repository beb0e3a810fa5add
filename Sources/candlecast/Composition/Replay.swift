import Glibc
import Market
import Operations
import Pipeline
import Platform
import Serving
import Storage

/// Predicts through a stretch of the past as it would have been live, and stores what was said.
struct Replay {
  struct Result {
    var decisions = 0
    var predictions = 0
    var added = 0
    /// Abstentions by state.
    var abstentions: [String: Int] = [:]
    var last: [Prediction] = []
    /// Of one whole decision, in nanoseconds.
    var latencies: [Int64] = []
    /// Of all predictions in order; equal for equal runs.
    var fingerprint = Fingerprint()
  }

  /// How many predictions are stored at once.
  private static let batch = 8192

  let context: CommandContext
  let decisions: Range<Timestamp>
  let speed: ReplaySpeed
  let version: ServedVersion?
  let log: InferenceLog?

  func run() throws -> Result {
    let store = try context.openForWriting()
    let rows = try context.prices(of: context.view, in: store).rows
    var run = HistoryRun(view: context.view, mode: .replay)
    run.serve(context.target, with: version)
    var result = Result()
    var waiting: [Prediction] = []
    var pace = Pace(speed)
    var bar = context.progress("replay \(context.target)", unit: "candles", total: Int64(rows))
    try run.run(
      decisions, from: store,
      onCandle: { count in
        bar.update(Int64(count))
        if context.isStopRequested { throw Stopped() }
      },
      onDecision: { _, predictions in
        guard let first = predictions.first else { return }
        pace.wait(until: first.time)
        result.take(predictions)
        waiting += predictions
        if speed != .asFastAsPossible { context.output.line(Self.line(predictions)) }
        guard speed == .asFastAsPossible, waiting.count < Self.batch else {
          return try flush(&waiting, to: store, &result)
        }
      })
    try flush(&waiting, to: store, &result)
    bar.finish()
    return result
  }

  private struct Stopped: ExitCoded, CustomStringConvertible {
    var exitCode: ExitCode { .failed }
    var description: String { "stopped; what was predicted so far is stored, and the same replay goes on from there" }
  }

  private func flush(_ waiting: inout [Prediction], to store: any Store, _ result: inout Result) throws {
    guard !waiting.isEmpty else { return }
    result.added += try store.insert(waiting)
    try log?.append(waiting)
    waiting.removeAll(keepingCapacity: true)
  }

  private static func line(_ predictions: [Prediction]) -> String {
    let answers = predictions.map { "\($0.modelName.rawValue) \($0.answerText)" }.joined(separator: "  ")
    return "\(predictions[0].time)  \(predictions[0].target)  \(answers)"
  }
}

extension Replay.Result {
  fileprivate mutating func take(_ made: [Prediction]) {
    decisions += 1
    predictions += made.count
    last = made
    latencies.append(made[0].latencyNanoseconds)
    for prediction in made {
      if prediction.state.hasPrefix("abstain") { abstentions[prediction.state, default: 0] += 1 }
      fingerprint.combine(UInt64(bitPattern: prediction.time.microseconds))
      fingerprint.combine(prediction.modelName.rawValue)
      fingerprint.combine((prediction.answer ?? .nan).bitPattern)
      fingerprint.combine(prediction.inputHash)
    }
  }

  private func latencyMicroseconds(_ part: Double) -> Double {
    guard !latencies.isEmpty else { return .nan }
    return Double(latencies.sorted()[Int(part * Double(latencies.count - 1))]) / 1000
  }

  var text: String {
    guard decisions > 0 else { return "no candle closes in that period" }
    var lines = [
      PredictionTable.text(last),
      "\(decisions.grouped) decisions, \(predictions.grouped) predictions, \(added.grouped) of them new in the store; "
        + "one decision p50 \(latencyMicroseconds(0.5).rounded(digits: 1)) µs, "
        + "p99 \(latencyMicroseconds(0.99).rounded(digits: 1)) µs; fingerprint \(fingerprint)",
    ]
    lines += abstentions.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.grouped) decisions" }
    return lines.joined(separator: "\n")
  }

  var json: JSONValue {
    [
      "decisions": JSONValue(decisions), "predictions": JSONValue(predictions), "added": JSONValue(added),
      "latency_microseconds": [
        "p50": JSONValue(latencyMicroseconds(0.5)), "p99": JSONValue(latencyMicroseconds(0.99)),
      ],
      "fingerprint": .text(fingerprint.description),
      "abstentions": .object(abstentions.sorted { $0.key < $1.key }.map { .init($0.key, JSONValue($0.value)) }),
      "last": .array(last.map(\.json)),
    ]
  }
}

/// Keeps the gap between decisions that the recorded times have, divided by the speed.
private struct Pace {
  private let speed: ReplaySpeed
  private var start: (recorded: Timestamp, seconds: Double)?

  init(_ speed: ReplaySpeed) { self.speed = speed }

  mutating func wait(until time: Timestamp) {
    guard case .realTime(let factor) = speed else { return }
    let now = SystemClock.seconds()
    guard let start else {
      start = (time, now)
      return
    }
    let recorded = Double(time.microseconds - start.recorded.microseconds) / 1e6
    var left = recorded / factor - (now - start.seconds)
    // In short pieces, so that Ctrl-C is seen at once.
    while left > 0, !Signals.isStopRequested {
      usleep(UInt32(min(left, 0.1) * 1e6))
      left = recorded / factor - (SystemClock.seconds() - start.seconds)
    }
  }
}
