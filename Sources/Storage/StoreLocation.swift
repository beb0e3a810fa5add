/// Where a store is: `duckdb:PATH`.
package enum StoreLocation: Hashable, Sendable {
  case duckDB(path: String)

  package enum Access: Sendable {
    /// The store is made if it is not there.
    case create
    case existing
    case readOnly
  }

  /// `nil` if it names no kind of store.
  package init?(_ url: String) {
    guard url.hasPrefix("duckdb:"), url.count > "duckdb:".count else { return nil }
    self = .duckDB(path: String(url.dropFirst("duckdb:".count)))
  }

  /// Folder of the files that belong to the store and are not in it.
  package var folder: String {
    switch self {
    case .duckDB(let path): path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }
  }

  /// - Parameter memoryMegabytes: what an embedded database may take for its pages and its work.
  package func open(_ access: Access, memoryMegabytes: Int = 256) throws(StoreError) -> any Store {
    switch self {
    case .duckDB(let path): try DuckDBStore(path: path, mode: access, memoryMegabytes: memoryMegabytes)
    }
  }
}

extension StoreLocation: CustomStringConvertible {
  /// Without any secret.
  package var description: String {
    switch self {
    case .duckDB(let path): "duckdb:\(path)"
    }
  }
}
