/// What a model predicts, without the price source: `direction-15m`, `window-5m`, `change-60m`, `move-60s`,
/// `window-open-5m`.
package enum PredictionTarget: Hashable, Sendable {
  /// Up iff close(t + H) ≥ close(t).
  case direction(horizonMinutes: Int)
  /// Up iff the price at the end of a clock-aligned window is at least the price at its start.
  case window(lengthMinutes: Int)
  /// Percent change of the close over H minutes.
  case change(horizonMinutes: Int)
  /// Log return of the last trade price over so many seconds, in basis points.
  case move(horizonSeconds: Int)
  /// The outcome of `window`, said between closes of the window that is not over.
  case openWindow(lengthMinutes: Int)

  package static let horizonsMinutes = [5, 15, 30, 60]
  package static let windowLengthsMinutes = [5, 15, 60]

  /// What is predicted on every sealed candle.
  package static let all: [PredictionTarget] =
    horizonsMinutes.map { .direction(horizonMinutes: $0) } + windowLengthsMinutes.map { .window(lengthMinutes: $0) }
    + horizonsMinutes.map { .change(horizonMinutes: $0) }

  /// Of the lengths that prediction markets have.
  package static let marketWindows: [PredictionTarget] = [.window(lengthMinutes: 5), .window(lengthMinutes: 15)]

  /// What is predicted between candles, from trades and quotes, and can be learnt.
  package static let ofTicks: [PredictionTarget] = [.move(horizonSeconds: 60)]

  /// What is predicted between candles and follows from what was predicted at the last close.
  package static let openWindows: [PredictionTarget] = [.openWindow(lengthMinutes: 5), .openWindow(lengthMinutes: 15)]

  /// What versions are trained for.
  package static let learnable = all + ofTicks

  package static let known = learnable + openWindows

  /// Minutes from the decision until the outcome is certain, at most.
  package var horizonMinutes: Int {
    switch self {
    case .direction(let minutes), .window(let minutes), .change(let minutes), .openWindow(let minutes): minutes
    case .move(let seconds): (seconds + 59) / 60
    }
  }

  /// Seconds from the decision until the outcome is certain, at most.
  package var horizonSeconds: Int {
    if case .move(let seconds) = self { seconds } else { 60 * horizonMinutes }
  }

  /// It is predicted between candles.
  package var isOfTicks: Bool {
    switch self {
    case .move, .openWindow: true
    case .direction, .window, .change: false
    }
  }

  package var isWindow: Bool { if case .window = self { true } else { false } }

  /// The target's labels are 0 or 1, not a quantity.
  package var isBinary: Bool {
    switch self {
    case .direction, .window, .openWindow: true
    case .change, .move: false
    }
  }
}

extension PredictionTarget: TextCodable {
  package var description: String {
    switch self {
    case .direction(let minutes): "direction-\(minutes)m"
    case .window(60): "window-1h"
    case .window(let minutes): "window-\(minutes)m"
    case .change(let minutes): "change-\(minutes)m"
    case .move(let seconds): "move-\(seconds)s"
    case .openWindow(let minutes): "window-open-\(minutes)m"
    }
  }

  /// Reads the names in `known`, and `…-60m` for `…-1h` and the other way round.
  package init?(_ text: some StringProtocol) {
    let wanted = text.hasSuffix("-1h") ? text.dropLast(2) + "60m" : text.dropLast(0) + ""
    guard let match = Self.known.first(where: { $0.description.replacing("-1h", with: "-60m") == wanted }) else {
      return nil
    }
    self = match
  }
}
