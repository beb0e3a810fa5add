extension StoreLocation {
  /// Of the store that is there; `nil` if there is none.
  package func schemaVersion() throws -> Int? {
    do {
      switch self {
      case .duckDB(let path): return try DuckDBStore(path: path, mode: .readOnly).snapshot().facts().schemaVersion
      }
    } catch StoreError.absent {
      return nil
    }
  }
}
