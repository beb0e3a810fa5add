package import Market

package enum LogLevel: Int, Comparable, Sendable, CaseIterable {
  case debug, info, warning, error

  package static func < (a: LogLevel, b: LogLevel) -> Bool { a.rawValue < b.rawValue }

  package var name: String { "\(self)" }

  package init?(_ name: String) {
    guard let level = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = level
  }
}

/// One thing that happened.
package struct LogRecord: Hashable, Sendable {
  package var time: Timestamp
  package var level: LogLevel
  /// The part of the system, `import`, `train`, `replay`.
  package var category: String
  /// What within it.
  package var subcategory: String?
  package var symbol: Symbol?
  package var message: String
  /// Facts beside the message, in order.
  package var context: [JSONValue.Member]
  package var tookMilliseconds: Double?

  package init(
    time: Timestamp, level: LogLevel, category: String, subcategory: String? = nil, symbol: Symbol? = nil,
    message: String, context: [JSONValue.Member] = [], tookMilliseconds: Double? = nil
  ) {
    self.time = time
    self.level = level
    self.category = category
    self.subcategory = subcategory
    self.symbol = symbol
    self.message = message
    self.context = context
    self.tookMilliseconds = tookMilliseconds
  }

  /// As it stands in a log file.
  package var json: JSONValue {
    var members = [
      JSONValue.Member("time", .text(time.description)), JSONValue.Member("level", .text(level.name)),
      JSONValue.Member("category", .text(category)),
    ]
    if let subcategory { members.append(JSONValue.Member("subcategory", .text(subcategory))) }
    if let symbol { members.append(JSONValue.Member("symbol", .text(symbol.name))) }
    members.append(JSONValue.Member("message", .text(message)))
    if !context.isEmpty { members.append(JSONValue.Member("context", .object(context))) }
    if let took { members.append(JSONValue.Member("took_ms", .number(took))) }
    return .object(members)
  }

  /// As a person reads it on a terminal.
  package var text: String {
    let place = [category, subcategory, symbol?.name].compactMap(\.self).joined(separator: "/")
    let facts = context.map { member in
      if case .text(let text) = member.value { "\(member.name)=\(text)" } else { "\(member.name)=\(member.value)" }
    }
    let tail = facts + [took.map { "took=\($0)ms" }].compactMap(\.self)
    let start = "\(time.description) \(level.name) \(place): \(message)"
    return tail.isEmpty ? start : start + " (" + tail.joined(separator: " ") + ")"
  }

  /// To the microsecond.
  private var took: Double? { tookMilliseconds.map { ($0 * 1000).rounded() / 1000 } }
}

extension JSONValue.Member {
  /// Secrets are written as dots.
  package init(_ name: String, _ secret: Secret) { self.init(name, .text(secret.description)) }
}
