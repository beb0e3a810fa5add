internal import Market

/// What a knob may be set to.
package enum KnobKind: Hashable, Sendable {
  case text
  case path
  /// `duckdb:PATH`, or the address of a PostgreSQL database.
  case store
  case venue, symbol, view, target
  case integer(ClosedRange<Int>)
  case number(ClosedRange<Double>)
  /// Seconds, by the millisecond and from a tenth, of which a minute is a multiple.
  case partOfMinute
  case boolean
  case choice([String])
  case list
  case integers
  /// `name=weight`, several.
  case weights
  /// `version=share` or `version=shadow`, several.
  case arms
  /// `HH:MM`, UTC.
  case timeOfDay
}

/// A value that was read and found right.
package enum KnobValue: Hashable, Sendable {
  case text(String)
  case integer(Int)
  case number(Double)
  case boolean(Bool)
  case list([String])
}

extension KnobValue: CustomStringConvertible {
  /// As it may stand in the file or the environment.
  package var description: String {
    switch self {
    case .text(let text): text
    case .integer(let number): String(number)
    case .number(let number):
      if let whole = Int(exactly: number) { String(whole) } else { String((number * 1e9).rounded() / 1e9) }
    case .boolean(let value): value ? "true" : "false"
    case .list(let items): items.joined(separator: ",")
    }
  }

  package var json: JSONValue {
    switch self {
    case .text(let text): .text(text)
    case .integer(let number): .integer(Int64(number))
    case .number(let number): .number(number)
    case .boolean(let value): .boolean(value)
    case .list(let items): .array(items.map { .text($0) })
    }
  }
}

extension KnobKind {
  /// `nil` if the text is not of this kind or out of range.
  package func parse(_ text: String) -> KnobValue? {
    switch self {
    case .text: .text(text)
    case .path: text.isEmpty ? nil : .text(text)
    case .store: Self.isStore(text) ? .text(text) : nil
    case .venue: Venue(text).map { .text($0.name) }
    case .symbol: Symbol(text).map { .text($0.name) }
    case .view: MarketView(text).map { .text($0.description) }
    case .target:
      PredictionTarget(text).flatMap { PredictionTarget.learnable.contains($0) ? .text($0.description) : nil }
    case .integer(let range): Int(text).flatMap { range.contains($0) ? .integer($0) : nil }
    case .number(let range): Double(text).flatMap { range.contains($0) ? .number($0) : nil }
    case .partOfMinute: Double(text).flatMap { Self.isPartOfMinute($0) ? .number($0) : nil }
    case .boolean: Self.boolean(text).map { .boolean($0) }
    case .choice(let words): words.contains(text) ? .text(text) : nil
    case .list: .list(Self.items(text))
    case .integers: Self.items(text).allSatisfy { Int($0) != nil } ? .list(Self.items(text)) : nil
    case .weights: Self.items(text).allSatisfy(Self.isWeight) ? .list(Self.items(text)) : nil
    case .arms: Self.items(text).allSatisfy(Self.isArm) ? .list(Self.items(text)) : nil
    case .timeOfDay: Self.isTimeOfDay(text) ? .text(text) : nil
    }
  }

  /// What `parse` takes, to say after "expected".
  package var expectation: String {
    switch self {
    case .text: "text"
    case .path: "a path"
    case .store: "duckdb:PATH or postgres://USER@HOST/DATABASE, or postgres: for what database.* says"
    case .venue: "a venue such as binance"
    case .symbol: "a symbol such as BTCUSDT"
    case .view: "VENUE:SYMBOL or PRICE+VOLUME such as chainlink:BTC/USD+binance:BTCUSDT"
    case .target:
      "one of " + PredictionTarget.learnable.map(\.description).joined(separator: ", ")
    case .integer(let range):
      "a whole number"
        + (range.upperBound == .max ? " from \(range.lowerBound)" : " \(range.lowerBound)…\(range.upperBound)")
    case .number(let range):
      "a number "
        + (range.upperBound.isInfinite
          ? "from \(KnobValue.number(range.lowerBound))"
          : "\(KnobValue.number(range.lowerBound))…\(KnobValue.number(range.upperBound))")
    case .partOfMinute: "seconds from 0.1 that go into a minute without a rest, such as 0.5, 1.5, 2 or 6"
    case .boolean: "true or false"
    case .choice(let words): "one of " + words.joined(separator: ", ")
    case .list: "names separated by commas"
    case .integers: "whole numbers separated by commas"
    case .weights: "name=weight pairs separated by commas"
    case .arms:
      "VERSION=SHARE with a share above 0 and up to 1, or VERSION=shadow, separated by commas"
    case .timeOfDay: "a time of day HH:MM, UTC"
    }
  }

  private static func isPartOfMinute(_ seconds: Double) -> Bool {
    guard (0.1...60).contains(seconds) else { return false }
    let milliseconds = (seconds * 1000).rounded()
    return abs(seconds * 1000 - milliseconds) < 1e-6 && 60_000.0.remainder(dividingBy: milliseconds) == 0
  }

  private static func isStore(_ text: String) -> Bool {
    if text.hasPrefix("duckdb:") { return text.utf8.count > "duckdb:".utf8.count }
    return text == "postgres:" || text.hasPrefix("postgres://") || text.hasPrefix("postgresql://")
  }

  private static func boolean(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true", "yes", "on", "1": true
    case "false", "no", "off", "0": false
    default: nil
    }
  }

  private static func items(_ text: String) -> [String] {
    text.split(separator: ",").map { String($0.trimmingSpaces) }.filter { !$0.isEmpty }
  }

  private static func isWeight(_ text: String) -> Bool {
    let parts = text.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, let weight = Double(parts[1]) else { return false }
    return weight >= 0 && weight.isFinite
  }

  private static func isArm(_ text: String) -> Bool {
    let parts = text.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty else { return false }
    return parts[1] == "shadow" || Double(parts[1]).map { $0 > 0 && $0 <= 1 } ?? false
  }

  private static func isTimeOfDay(_ text: String) -> Bool {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }), let hour = Int(parts[0]),
      let minute = Int(parts[1])
    else { return false }
    return (0..<24).contains(hour) && (0..<60).contains(minute)
  }
}

extension Substring {
  fileprivate var trimmingSpaces: Substring {
    var rest = self.drop(while: \.isWhitespace)
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return rest
  }
}
