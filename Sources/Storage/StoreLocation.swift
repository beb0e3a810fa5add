/// Where a store is: `duckdb:PATH` or `postgres://user@host/database`.
package enum StoreLocation: Hashable, Sendable {
  case duckDB(path: String)
  case postgres(PostgresLocation)

  package enum Access: Sendable {
    /// The store is made if it is not there.
    case create
    case existing
    case readOnly
  }

  /// `nil` if it names no kind of store; what is wrong with an address of PostgreSQL, `PostgresLocation` says.
  package init?(_ url: String) {
    if PostgresLocation.isAddress(url) {
      guard let location = try? PostgresLocation(url) else { return nil }
      self = .postgres(location)
    } else {
      guard url.hasPrefix("duckdb:"), url.count > "duckdb:".count else { return nil }
      self = .duckDB(path: String(url.dropFirst("duckdb:".count)))
    }
  }

  /// Folder of the files that belong to the store and are not in it.
  package var folder: String {
    switch self {
    case .duckDB(let path): path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    case .postgres: "feature_store"
    }
  }

  /// - Parameters:
  ///   - memoryMegabytes: what an embedded database may take for its pages and its work.
  ///   - limits: of the connections to a server.
  package func open(
    _ access: Access, memoryMegabytes: Int = 256, limits: PostgresLimits = PostgresLimits()
  ) throws(StoreError) -> any Store {
    switch self {
    case .duckDB(let path): try DuckDBStore(path: path, mode: access, memoryMegabytes: memoryMegabytes)
    case .postgres(let location): try PostgresStore(location, mode: access, limits: limits)
    }
  }

  /// The store to read from, also while a running service has it: of an embedded one then a copy of this moment.
  package func openForReading(limits: PostgresLimits = PostgresLimits()) throws(StoreError) -> any Store {
    switch self {
    case .duckDB(let path): try DuckDBStore.openForReading(path: path)
    case .postgres: try open(.readOnly, limits: limits)
    }
  }
}

extension StoreLocation: CustomStringConvertible {
  /// Without any secret.
  package var description: String {
    switch self {
    case .duckDB(let path): "duckdb:\(path)"
    case .postgres(let location): location.description
    }
  }
}
