import Market
import Operations

/// What the value of an option or a positional may be.
enum ArgumentKind: Hashable, Sendable {
  /// No value: the option is there or not.
  case flag
  case path
  case time
  case speed
  case text(placeholder: String)
  case choice([String])
  /// A value that also stands in the configuration.
  case knob(KnobKind, placeholder: String)
}

extension ArgumentKind {
  var placeholder: String {
    switch self {
    case .flag: ""
    case .path: "PATH"
    case .time: "TIME"
    case .speed: "SPEED"
    case .text(let placeholder), .knob(_, let placeholder): placeholder
    case .choice(let words): words.joined(separator: "|")
    }
  }

  func accepts(_ text: String) -> Bool {
    switch self {
    case .flag: false
    case .path, .text: !text.isEmpty
    case .time: Timestamp(text) != nil
    case .speed: ReplaySpeed(text) != nil
    case .choice(let words): words.contains(text)
    case .knob(let kind, _): kind.parse(text) != nil
    }
  }

  var expectation: String {
    switch self {
    case .flag: "no value"
    case .path: "a path"
    case .time: "a time: ISO 8601 such as 2024-03-01T12:30Z, or Unix milliseconds"
    case .speed: "max, or a multiple of real time such as 60x"
    case .text(let placeholder): placeholder
    case .choice(let words): "one of " + words.joined(separator: ", ")
    case .knob(let kind, _): kind.expectation
    }
  }

  /// What a mistyped value may have meant.
  func suggestion(for text: String) -> String? {
    switch self {
    case .choice(let words): Suggestion.nearest(to: text, among: words)
    case .knob(.target, _):
      Suggestion.nearest(to: text, among: PredictionTarget.learnable.map(\.description))
    case .knob(.venue, _), .knob(.symbol, _): [text.lowercased(), text.uppercased()].first(where: accepts)
    case .knob(.store, _): accepts("duckdb:" + text) && !text.contains(":") ? "duckdb:" + text : nil
    default: nil
    }
  }
}

/// How fast a replay goes.
enum ReplaySpeed: Hashable, Sendable {
  case asFastAsPossible
  case realTime(multiple: Double)

  /// Reads `max`, `60x`, `1x`.
  init?(_ text: String) {
    if text == "max" {
      self = .asFastAsPossible
      return
    }
    guard text.hasSuffix("x"), let multiple = Double(text.dropLast()), multiple > 0, multiple.isFinite else {
      return nil
    }
    self = .realTime(multiple: multiple)
  }
}
