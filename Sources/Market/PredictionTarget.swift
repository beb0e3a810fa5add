/// What a model predicts, without the price source: `direction-15m`, `window-5m`, `change-60m`, `move-60s`.
package enum PredictionTarget: Hashable, Sendable {
  /// Up iff close(t + H) ≥ close(t).
  case direction(horizonMinutes: Int)
  /// Up iff the price at the end of a clock-aligned window is at least the price at its start.
  case window(lengthMinutes: Int)
  /// Percent change of the close over H minutes.
  case change(horizonMinutes: Int)
  /// Log return of the last trade price over so many seconds, in basis points.
  case move(horizonSeconds: Int)

  package static let horizonsMinutes = [5, 15, 30, 60]
  package static let windowLengthsMinutes = [5, 15, 60]

  /// What is predicted on every sealed candle.
  package static let all: [PredictionTarget] =
    horizonsMinutes.map { .direction(horizonMinutes: $0) } + windowLengthsMinutes.map { .window(lengthMinutes: $0) }
    + horizonsMinutes.map { .change(horizonMinutes: $0) }

  /// What is predicted between candles, from trades and quotes.
  package static let ofTicks: [PredictionTarget] = [.move(horizonSeconds: 60)]

  /// Minutes from the decision until the outcome is certain, at most.
  package var horizonMinutes: Int {
    switch self {
    case .direction(let minutes), .window(let minutes), .change(let minutes): minutes
    case .move(let seconds): (seconds + 59) / 60
    }
  }

  /// Seconds from the decision until the outcome is certain, at most.
  package var horizonSeconds: Int {
    if case .move(let seconds) = self { seconds } else { 60 * horizonMinutes }
  }

  package var isOfTicks: Bool { if case .move = self { true } else { false } }

  package var isWindow: Bool { if case .window = self { true } else { false } }

  /// The target's labels are 0 or 1, not a quantity.
  package var isBinary: Bool {
    switch self {
    case .direction, .window: true
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
    }
  }

  /// Reads the names in `all` and `ofTicks`, and `…-60m` for `…-1h` and the other way round.
  package init?(_ text: some StringProtocol) {
    let wanted = text.hasSuffix("-1h") ? text.dropLast(2) + "60m" : text.dropLast(0) + ""
    let known = Self.all + Self.ofTicks
    guard let match = known.first(where: { $0.description.replacing("-1h", with: "-60m") == wanted }) else {
      return nil
    }
    self = match
  }
}
