@testable import Storage

enum StoreDamage {
  /// Does to a store in a file what no program would.
  static func apply(_ sql: String, to path: String) throws {
    try DuckDBStore(path: path, mode: .existing).session.run(sql)
  }
}
