/// What a model predicts, without the price source: `direction-15m`, `window-5m`, `change-60m`.
package enum PredictionTarget: Hashable, Sendable {
  /// Up iff close(t + H) ≥ close(t).
  case direction(horizonMinutes: Int)
  /// Up iff the price at the end of a clock-aligned window is at least the price at its start.
  case window(lengthMinutes: Int)
  /// Percent change of the close over H minutes.
  case change(horizonMinutes: Int)

  package static let horizonsMinutes = [5, 15, 30, 60]
  package static let windowLengthsMinutes = [5, 15, 60]

  package static let all: [PredictionTarget] =
    horizonsMinutes.map { .direction(horizonMinutes: $0) } + windowLengthsMinutes.map { .window(lengthMinutes: $0) }
    + horizonsMinutes.map { .change(horizonMinutes: $0) }

  /// Minutes from the decision until the outcome is certain, at most.
  package var horizonMinutes: Int {
    switch self {
    case .direction(let minutes), .window(let minutes), .change(let minutes): minutes
    }
  }

  package var isWindow: Bool { if case .window = self { true } else { false } }

  /// The target's labels are 0 or 1, not a quantity.
  package var isBinary: Bool { if case .change = self { false } else { true } }
}

extension PredictionTarget: TextCodable {
  package var description: String {
    switch self {
    case .direction(let minutes): "direction-\(minutes)m"
    case .window(60): "window-1h"
    case .window(let minutes): "window-\(minutes)m"
    case .change(let minutes): "change-\(minutes)m"
    }
  }

  /// Reads the names in `all`, and `…-60m` for `…-1h` and the other way round.
  package init?(_ text: some StringProtocol) {
    let wanted = text.hasSuffix("-1h") ? text.dropLast(2) + "60m" : text.dropLast(0) + ""
    guard let match = Self.all.first(where: { $0.description.replacing("-1h", with: "-60m") == wanted }) else {
      return nil
    }
    self = match
  }
}
