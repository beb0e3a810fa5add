extension StoreLocation {
  /// Of the store that is there; `nil` if there is none.
  package func schemaVersion() throws -> Int? {
    do {
      switch self {
      case .duckDB(let path): return try DuckDBStore(path: path, mode: .readOnly).snapshot().facts().schemaVersion
      case .postgres(let location):
        switch try PostgresMigration(PostgresConnection(location)).state() {
        case .empty: return nil
        case .tables(let applied, _): return applied.count
        }
      }
    } catch StoreError.absent {
      return nil
    }
  }
}
