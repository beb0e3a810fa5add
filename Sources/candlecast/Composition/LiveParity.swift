import Market
import Models
import Operations
import Pipeline
import Storage

/// Computes a random part of what was predicted live again: at closes from the store, between them from the tape. Every
/// bit must be the same.
struct LiveParity {
  struct Result: Hashable, Sendable {
    var checked = 0
    var mismatches: [String] = []
    /// Of versions that are gone, and of moments whose tape is.
    var unverifiable = 0
  }

  /// What a prediction is found again by.
  private struct Place: Hashable {
    let time: Timestamp
    let target: PredictionTarget
    let model: ModelName
    let version: String

    init(_ prediction: Prediction) {
      (time, target) = (prediction.time, prediction.target)
      (model, version) = (prediction.modelName, prediction.version)
    }
  }

  /// Rows of one target, and who made them.
  private struct Answered {
    /// `nil` for the baseline.
    let version: ServedVersion?
    let rows: [Prediction]
  }

  /// Who made a prediction; without a version, the baseline.
  private struct Maker: Hashable {
    let target: PredictionTarget
    let version: String
  }

  let context: CommandContext
  /// Decision times.
  let decisions: Range<Timestamp>
  /// How much of it, 0–1.
  let share: Double
  let seed: UInt64

  func run(in store: any Store) throws -> Result {
    let sample = try sample(store)
    var result = Result()
    var rounds: [[PredictionTarget: Answered]] = []
    checkTicks(sample.filter(\.target.isOfTicks), store, &result)
    for (target, rows) in Dictionary(grouping: sample.filter { !$0.target.isOfTicks }, by: \.target) {
      for (place, one) in Dictionary(grouping: rows, by: \.version).sorted(by: { $0.key < $1.key }).enumerated() {
        guard PredictionTarget.all.contains(target), let answered = try answered(one.value, one.key, target) else {
          result.unverifiable += one.value.count
          continue
        }
        while rounds.count <= place { rounds.append([:]) }
        rounds[place][target] = answered
      }
    }
    for round in rounds { try check(round, store, &result) }
    return result
  }

  private func sample(_ store: any Store) throws -> [Prediction] {
    var random = SplitMix64(seed: seed)
    var sample: [Prediction] = []
    try store.readPredictions(PredictionFilter(range: decisions, view: context.view, mode: .live)) { batch in
      for prediction in batch where Double.random(in: 0..<1, using: &random) < share { sample.append(prediction) }
    }
    return sample
  }

  /// `nil` if the version is registered no more.
  private func answered(_ rows: [Prediction], _ version: String, _ target: PredictionTarget) throws -> Answered? {
    guard !version.isEmpty else { return Answered(version: nil, rows: rows) }
    do {
      let version = try context.version(version, context.view, target, standing: .production)
      return Answered(version: version, rows: rows)
    } catch is RegistryError {
      return nil
    }
  }

  /// One fold of all candles, at which every target is answered by one version.
  private func check(
    _ round: [PredictionTarget: Answered], _ store: any Store, _ result: inout Result
  ) throws {
    let rows = round.values.flatMap(\.rows)
    guard let first = rows.map(\.time).min(), let last = rows.map(\.time).max() else { return }
    var wanted = Dictionary(
      rows.map { (Place($0), $0) }, uniquingKeysWith: { a, _ in a })
    result.checked += wanted.count
    var run = HistoryRun(view: context.view, mode: .predict)
    for (target, one) in round { run.serve(target, with: one.version) }
    try run.run(first..<last.adding(microseconds: 1), from: store) { _, predictions in
      for again in predictions {
        guard let row = wanted.removeValue(forKey: Place(again)), !row.hasSameBits(as: again) else { continue }
        result.mismatches.append("\(row.summary), computed again \(again.answer.map { "\($0)" } ?? "nothing")")
      }
    }
    result.mismatches += wanted.values.map { "\($0.summary), computed again it is not made" }.sorted()
  }

  /// Plays the tape of what was said between candles.
  private func checkTicks(_ rows: [Prediction], _ store: any Store, _ result: inout Result) {
    let makers = Set(rows.map { Maker(target: $0.target, version: $0.version) }).filter(isLoadable)
    var wanted = Dictionary(
      rows.filter { makers.contains(Maker(target: $0.target, version: $0.version)) }
        .map { (Place($0), $0) }, uniquingKeysWith: { a, _ in a })
    result.unverifiable += rows.count - wanted.count
    guard let first = wanted.keys.map(\.time).min(), let last = wanted.keys.map(\.time).max() else { return }
    var mismatches: [String] = []
    var checked = 0
    let witness = TickWitness(first..<last.adding(microseconds: 1)) { predictions, _ in
      for again in predictions {
        guard let row = wanted.removeValue(forKey: Place(again)) else { continue }
        checked += 1
        if !row.hasSameBits(as: again) {
          mismatches.append("\(row.summary), played back \(again.answer.map { "\($0)" } ?? "nothing")")
        }
      }
    }
    do {
      try RecordingReplay(context, hearing: witness, history: store)?.run()
    } catch {
      context.log.write(.warning, "parity", "the tape cannot be played to its end: \(error)")
    }
    for row in wanted.values.sorted(by: { $0.time < $1.time }) {
      guard witness.hasSeen(row.time) else {
        result.unverifiable += 1
        continue
      }
      checked += 1
      mismatches.append("\(row.summary), played back it is not made")
    }
    result.checked += checked
    result.mismatches += mismatches
  }

  private func isLoadable(_ maker: Maker) -> Bool {
    if maker.version.isEmpty { return true }
    guard case .openWindow(let minutes) = maker.target else {
      return (try? context.tickVersion(maker.version, context.view, maker.target, .production)) != nil
    }
    let closed = PredictionTarget.window(lengthMinutes: minutes)
    return (try? context.version(maker.version, context.view, closed, standing: .production)) != nil
  }
}

extension Prediction {
  fileprivate func hasSameBits(as other: Prediction) -> Bool {
    inputHash == other.inputHash && answer?.bitPattern == other.answer?.bitPattern
  }

  fileprivate var summary: String {
    "\(target) by \(modelName.rawValue) at \(time) was \(answer.map { "\($0)" } ?? "nothing")"
  }
}
