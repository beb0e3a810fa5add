import Operations

/// A part of the work that may run in a process of its own.
enum Role: String, Hashable, Sendable, CaseIterable {
  /// Collects candles and stores them.
  case ingest
  /// Makes feature vectors of stored candles.
  case features
  /// Decides on feature vectors and stores the predictions.
  case predict
}

extension Set<Role> {
  static let all = Set(Role.allCases)

  /// - Throws: for a name of no role, and for none at all.
  init(_ configuration: Configuration) throws {
    self.init()
    for name in configuration.list("roles") {
      guard let role = Role(rawValue: name) else {
        let known = Role.allCases.map(\.rawValue).joined(separator: ", ")
        throw CommandError(.wrongUsage, "\(name) is no role; there are \(known)")
      }
      insert(role)
    }
    guard !isEmpty else { throw CommandError(.wrongUsage, "no role to play: give --roles ingest,features,predict") }
  }
}
