import FoundationEssentials
import Ingestion
import Market
import Operations
import Pipeline
import Storage

/// Hears what is said between candles when a tape is played back.
final class TickWitness {
  /// Decision times that are asked for.
  let moments: Range<Timestamp>
  private let hear: ([Prediction], TickPoint?) -> Void
  private let wantsInputs: Bool
  /// Makes the inputs a second time, to be looked at; `nil` where nobody does, or nothing was predicted.
  private var points: TickPoints?
  /// The run that is played predicted between candles itself, and did not leave it to another role.
  private var predicts = false
  private var played: [Range<Timestamp>] = []

  /// - Parameters:
  ///   - wantsInputs: what the predictions were made of is told too.
  ///   - hear: is told all predictions of one moment.
  init(_ moments: Range<Timestamp>, wantsInputs: Bool = false, hear: @escaping ([Prediction], TickPoint?) -> Void) {
    (self.moments, self.wantsInputs, self.hear) = (moments, wantsInputs, hear)
  }

  /// A run of the recorder begins.
  func begin(_ start: LiveStart) {
    predicts = start.versions.contains { $0.target.isOfTicks }
    guard predicts, let cadence = start.cadence else {
      points = nil
      return
    }
    played.append(start.time..<start.time)
    points = wantsInputs ? TickPoints(start.view, cadence) : nil
  }

  func warmUp(_ view: MarketView, from store: any Store, asOf now: Timestamp) throws {
    guard points != nil, let first = try store.summary(of: view.price)?.firstOpenTime, first < now else { return }
    try store.readEvents(view, in: first..<now, asOf: now) { points?.take($0) }
  }

  /// What a step of the core gave, and what was predicted at it.
  func take(_ output: LiveOutput, _ made: [Prediction], at now: Timestamp) {
    guard predicts else { return }
    if let last = played.popLast() {
      played.append(last.lowerBound..<max(last.upperBound, now.adding(microseconds: 1)))
    }
    let point = points?.advance(to: now)
    for event in output.ticks { points?.take(event, at: now) }
    for event in output.events { points?.take(event) }
    let asked = made.filter { $0.target.isOfTicks && moments.contains($0.time) }
    if !asked.isEmpty { hear(asked, point) }
  }

  /// Whether a tape of that moment was there.
  func hasSeen(_ time: Timestamp) -> Bool { played.contains { $0.contains(time) } }
}

extension RecordingReplay {
  /// Plays the tape that this feed keeps itself; `nil` if there is none.
  ///
  /// - Parameter history: what the recorded runs began with.
  init?(_ context: CommandContext, hearing witness: TickWitness, history: any Store) {
    let folder = context.configuration.text("tape.directory") ?? "feature_store/tape"
    guard FileManager.default.fileExists(atPath: folder) else { return nil }
    self.init(context: context, path: folder, destination: nil, history: context.store)
    (self.witness, openHistory) = (witness, history)
  }
}
