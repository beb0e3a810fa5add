internal import Market
internal import Models

/// One length of window, with what the last close said of it.
struct HeldOffset: Sendable {
  let lengthMinutes: Int
  /// Name of what serves; `nil` for the baseline.
  private(set) var version: String?
  private(set) var state: String
  private(set) var reason: String
  /// Of the model's logit over that of the closed form.
  private var offset: (value: Double, time: Timestamp)?

  init(lengthMinutes: Int) {
    self.lengthMinutes = lengthMinutes
    state = "unpromoted"
    reason = ""
    serve(nil)
  }

  var target: PredictionTarget { .openWindow(lengthMinutes: lengthMinutes) }
  /// What is said at closes.
  var closed: PredictionTarget { .window(lengthMinutes: lengthMinutes) }

  /// What another version said is held no more.
  mutating func serve(_ served: ServedVersion?) {
    version = served?.bundle.card.name.description
    state = served?.state ?? "unpromoted"
    reason = served?.reason ?? "no version is registered for \(closed)"
    offset = nil
  }

  /// - Parameter made: predictions of closes, in order.
  mutating func hold(_ made: [Prediction]) {
    guard let newest = made.last(where: { $0.target == closed }) else { return }
    offset = nil
    func said(_ name: ModelName) -> Double? {
      made.last { $0.target == closed && $0.time == newest.time && $0.modelName == name }?.probabilityUp
    }
    guard let model = said(.ensemble), let form = said(.baseline) else { return }
    let value = Probability(clipping: model).logit - Probability(clipping: form).logit
    if value.isFinite { offset = (value, newest.time) }
  }

  /// `nil` before the first close within the window, and where the model said nothing at the last one.
  func offset(in window: ClockWindow) -> (value: Double, time: Timestamp)? {
    guard let offset, offset.time > window.start, offset.time < window.end else { return nil }
    return offset
  }
}
