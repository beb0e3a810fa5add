import Market
import Pipeline
internal import Redis

/// What prices tell of a window, as a member of a point.
extension WindowFact {
  private static let longestMinutes: Int64 = 1440
  private static let mostCharacters = 500

  var json: String {
    var text = JSONText()
    text.add("length_minutes", Int64(lengthMinutes))
    switch reading {
    case .success(let reading):
      text.add("price", reading.price)
      text.add("age_ms", reading.ageMilliseconds)
      text.add("origin", reading.source.rawValue)
      text.add("strike", reading.strike)
      text.add("expected", reading.outlook.expected)
      text.add("variance_minutes", reading.outlook.varianceMinutes)
    case .failure(let silence):
      text.add("silence", silence.code)
      text.add("reason", silence.reason)
    }
    return String(decoding: text.bytes, as: UTF8.self)
  }

  init(_ members: JSONMembers) throws(JSONMembersError) {
    let length = try members.required("length_minutes", try members.integer("length_minutes"))
    guard (1...Self.longestMinutes).contains(length) else { throw members.wrong("length_minutes") }
    if let code = try members.text("silence") {
      let reason = try members.required("reason", try members.text("reason"))
      guard code.utf8.count <= Self.mostCharacters, reason.utf8.count <= Self.mostCharacters else {
        throw members.wrong("silence")
      }
      self.init(lengthMinutes: Int(length), reading: .failure(WindowSilence(code: code, reason: reason)))
      return
    }
    self.init(lengthMinutes: Int(length), reading: .success(try WindowReading(members)))
  }
}

extension WindowReading {
  fileprivate init(_ members: JSONMembers) throws(JSONMembersError) {
    func number(_ name: StaticString) throws(JSONMembersError) -> Double {
      try members.required(name, try members.number(name))
    }
    func positive(_ name: StaticString) throws(JSONMembersError) -> Double {
      let value = try number(name)
      guard value > 0 else { throw members.wrong(name) }
      return value
    }
    let age = try members.required("age_ms", try members.integer("age_ms"))
    let variance = try number("variance_minutes")
    guard age >= 0 else { throw members.wrong("age_ms") }
    guard variance >= 0 else { throw members.wrong("variance_minutes") }
    self.init(
      price: try positive("price"), ageMilliseconds: age,
      source: try members.required(
        "origin", try members.text("origin").flatMap { PriceForecast.Source(rawValue: $0) }),
      strike: try positive("strike"),
      outlook: WindowOutlook(expected: try positive("expected"), varianceMinutes: variance))
  }
}
