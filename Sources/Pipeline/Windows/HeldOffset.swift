internal import Market
internal import Models

/// One length of window, with what the last close said of it.
struct HeldOffset: Sendable {
  /// Who answers, with its standing.
  struct Speaker {
    /// `nil` for the baseline.
    let version: String?
    let state: String
    let reason: String
    let arm: Prediction.Arm
  }

  let lengthMinutes: Int
  /// Those beside the main version.
  var arms: [ServedArm<ServedVersion>] = []
  private var main: Speaker
  /// Who served the last close, if not the main version.
  private var other: Speaker?
  /// Of the model's logit over that of the closed form.
  private var offset: (value: Double, time: Timestamp)?

  init(lengthMinutes: Int) {
    self.lengthMinutes = lengthMinutes
    main = Speaker(nil, of: .window(lengthMinutes: lengthMinutes))
  }

  /// Who answers until the next close.
  var speaker: Speaker { other ?? main }

  var target: PredictionTarget { .openWindow(lengthMinutes: lengthMinutes) }
  /// What is said at closes.
  var closed: PredictionTarget { .window(lengthMinutes: lengthMinutes) }

  /// What another version said is held no more.
  mutating func serve(_ served: ServedVersion?) {
    main = Speaker(served, of: closed)
    other = nil
    offset = nil
  }

  /// - Parameter made: predictions of closes, in order.
  mutating func hold(_ made: [Prediction]) {
    guard let newest = made.last(where: isServed) else { return }
    offset = nil
    let served = newest.arm == .split ? arms.first { $0.version.name == newest.version } : nil
    other = served.map { Speaker($0.version, of: closed, arm: newest.arm) }
    func said(_ name: ModelName) -> Double? {
      made.last { isServed($0) && $0.time == newest.time && $0.modelName == name }?.probabilityUp
    }
    guard let model = said(.ensemble), let form = said(.baseline) else { return }
    let value = Probability(clipping: model).logit - Probability(clipping: form).logit
    if value.isFinite { offset = (value, newest.time) }
  }

  private func isServed(_ prediction: Prediction) -> Bool { prediction.target == closed && prediction.isServed }

  /// `nil` before the first close within the window, and where the model said nothing at the last one.
  func offset(in window: ClockWindow) -> (value: Double, time: Timestamp)? {
    guard let offset, offset.time > window.start, offset.time < window.end else { return nil }
    return offset
  }
}

extension HeldOffset.Speaker {
  init(_ served: ServedVersion?, of target: PredictionTarget, arm: Prediction.Arm = .main) {
    version = served?.name
    state = served?.state ?? "unpromoted"
    reason = served?.reason ?? "no version is registered for \(target)"
    self.arm = arm
  }
}
