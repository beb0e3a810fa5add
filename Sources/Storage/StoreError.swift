/// Why a store could not be opened, read or written.
package enum StoreError: Error, Hashable, Sendable {
  case libraryMissing(lookedAt: [String])
  case libraryUnusable(path: String, reason: String)
  case absent(path: String)
  case cannotOpen(path: String, reason: String)
  case locked(path: String, holder: String)
  case corrupt(path: String, reason: String)
  case foreign(path: String)
  case newerSchema(path: String, reason: String)
  /// A server or a schema that is too old for what was asked.
  case outdated(path: String, reason: String)
  /// A step of the schema is not the one that this version would have taken.
  case alteredSchema(path: String, reason: String)
  /// The server cannot be reached, or the connection to it is gone; what was not committed is not stored.
  case unavailable(path: String, reason: String)
  /// The server does not let us in, or not do this.
  case refused(path: String, reason: String)
  case diskFull(path: String, reason: String)
  case unreadable(path: String, reason: String)
  case failed(path: String, reason: String)

  /// Who holds a store that somebody here has open already.
  static let ourselves = "this process"

  /// Somebody here still has the store open.
  package var isHeldHere: Bool {
    if case .locked(_, Self.ourselves) = self { true } else { false }
  }

  /// What a command that meets this error ends with.
  package var exitCode: Int32 {
    switch self {
    case .failed, .diskFull: 1
    case .corrupt, .foreign, .newerSchema, .alteredSchema, .unreadable: 3
    case .libraryMissing, .libraryUnusable, .absent, .cannotOpen, .locked, .outdated, .unavailable, .refused: 4
    }
  }
}

extension StoreError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .libraryMissing(let lookedAt):
      "DuckDB is not installed (looked for \(lookedAt.joined(separator: ", "))); run `make setup`"
    case .libraryUnusable(let path, let reason):
      "the DuckDB library \(path) cannot be used: \(reason); run `make setup`"
    case .absent(let path): "\(path): there is no store; `candlecast import` makes one"
    case .cannotOpen(let path, let reason): "\(path): the store cannot be opened: \(reason)"
    case .locked(let path, let holder):
      "\(path): the store is in use by \(holder); end that program or wait for it"
        + (path.contains("://") ? "" : ", or use PostgreSQL, which many programs share (`candlecast db copy`)")
    case .corrupt(let path, let reason): "\(path): the store is damaged: \(reason); restore it or import again"
    case .foreign(let path): "\(path): this database holds something else; give another path"
    case .newerSchema(let path, let reason):
      "\(path): the store was written by a newer version (\(reason)); use that version"
    case .outdated(let path, let reason): "\(path): \(reason)"
    case .alteredSchema(let path, let reason):
      "\(path): the tables are not those of this version: \(reason); restore a backup or use another database"
    case .unavailable(let path, let reason): "\(path): the server cannot be reached: \(reason)"
    case .refused(let path, let reason): "\(path): the server refuses: \(reason)"
    case .diskFull(let path, let reason):
      "\(path): no room to write (\(reason)); nothing was kept of the last change, make room and repeat it"
    case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
    case .failed(let path, let reason): "\(path): \(reason)"
    }
  }
}
