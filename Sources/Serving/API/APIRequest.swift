package import Market
internal import Transport

/// A request whose path, parameters and body have been checked against its route.
package struct APIRequest: Sendable {
  /// Values of the path's places in braces.
  package let places: [String: String]
  private let values: [String: String]
  private let parameters: [Parameter]
  package var body: [UInt8] { request?.body ?? [] }
  private let request: ServerRequest?

  /// - Parameter request: what the query was part of, where it was a request of its own.
  init(
    _ query: Substring?, places: [String: String], _ request: ServerRequest?, of parameters: [Parameter]
  ) throws(APIFailure) {
    var values: [String: String] = [:]
    for pair in (query ?? "").split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = PercentCoding.decode(parts[0]), let value = PercentCoding.decode(parts.count > 1 ? parts[1] : "")
      else { throw APIFailure(400, "bad_query", "“\(String(pair).shortened)” is not percent-encoded UTF-8") }
      guard let parameter = parameters.first(where: { $0.name == name }) else {
        let known = parameters.isEmpty ? "it has none" : "it has " + parameters.map(\.name).joined(separator: ", ")
        throw APIFailure(400, "unknown_parameter", "“\(name.shortened)” is no parameter of this path; \(known)")
      }
      guard values[name] == nil else { throw .badParameter(name, "given twice") }
      try parameter.check(value)
      values[name] = value
    }
    (self.places, self.values, self.parameters, self.request) = (places, values, parameters, request)
  }

  package func header(_ name: String) -> String? { request?.header(name) }

  package func text(_ name: String) -> String? { values[name] }

  package func time(_ name: String) -> Timestamp? { values[name].flatMap { Timestamp($0) } }

  /// The given value or the parameter's own.
  package func integer(_ name: String) -> Int {
    guard case .integer(_, let preset) = parameters.first(where: { $0.name == name })?.kind else {
      preconditionFailure("\(name) is no number of this path")
    }
    return values[name].flatMap { Int($0) } ?? preset
  }

  /// - Parameter venue: of a symbol without one.
  package func series(_ name: String, venue: Venue) -> Series? {
    values[name].flatMap { text in Series(text) ?? Symbol(text).map { Series(venue, $0) } }
  }
}

/// Percent-encoding of queries; `+` is a space there.
enum PercentCoding {
  /// `nil` for anything that is not percent-encoded UTF-8.
  static func decode(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
      case UInt8(ascii: "%"):
        guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
        bytes.append(high << 4 | low)
      default: bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 65...70: byte - 55
    case 97...102: byte - 87
    default: nil
    }
  }
}
