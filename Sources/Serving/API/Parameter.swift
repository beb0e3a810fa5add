internal import Market
internal import Operations

/// A parameter of a request's query, as it is checked and documented.
package struct Parameter: Sendable {
  package enum Kind: Sendable {
    case series
    /// ISO 8601 or Unix milliseconds.
    case time
    case integer(ClosedRange<Int>, preset: Int)
    case choice([String])
    case text
  }

  package let name: String
  package let kind: Kind
  package let about: String

  package init(_ name: String, _ kind: Kind, _ about: String) {
    (self.name, self.kind, self.about) = (name, kind, about)
  }

  /// For OpenAPI.
  var schema: JSONValue {
    switch kind {
    case .series: ["type": "string", "example": "binance:BTCUSDT"]
    case .time: ["type": "string", "example": "2024-03-01T12:30Z"]
    case .integer(let range, let preset):
      [
        "type": "integer", "minimum": JSONValue(range.lowerBound), "maximum": JSONValue(range.upperBound),
        "default": JSONValue(preset),
      ]
    case .choice(let words): ["type": "string", "enum": .array(words.map { .text($0) })]
    case .text: ["type": "string", "maxLength": JSONValue(Self.longestText)]
    }
  }

  static let longestText = 256

  func check(_ value: String) throws(APIFailure) {
    switch kind {
    case .series where Series(value) == nil && Symbol(value) == nil:
      throw .badParameter(name, "“\(value.shortened)” is no instrument; write binance:BTCUSDT or BTCUSDT")
    case .time where Timestamp(value) == nil:
      throw .badParameter(name, "“\(value.shortened)” is no time; write 2024-03-01T12:30Z or Unix milliseconds")
    case .integer(let range, _) where Int(value).map(range.contains) != true:
      throw .badParameter(
        name, "“\(value.shortened)” is not a whole number from \(range.lowerBound) to \(range.upperBound)")
    case .choice(let words) where !words.contains(value):
      throw .badParameter(name, "“\(value.shortened)” is none of \(words.joined(separator: ", "))")
    case .text where value.utf8.count > Self.longestText:
      throw .badParameter(name, "longer than \(Self.longestText) bytes")
    default: return
    }
  }
}

extension String {
  /// For messages: what a stranger sent is not repeated at any length.
  var shortened: String { count > 64 ? prefix(64) + "…" : self }
}
