internal import CDuckDB
internal import Glibc

/// DuckDB's functions, loaded when a store is first opened.
///
/// `@unchecked` because function pointers are not `Sendable`; the table never changes once it is filled.
final class DuckDBLibrary: @unchecked Sendable {
  let call: CDuckDBFunctions
  let path: String

  private init(_ call: CDuckDBFunctions, path: String) { (self.call, self.path) = (call, path) }

  static func shared() throws(StoreError) -> DuckDBLibrary { try loaded.get() }

  private static let loaded: Result<DuckDBLibrary, StoreError> = load(
    DuckDBLocation.candidates { name in
      getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    })

  private static func load(_ candidates: [DuckDBLocation]) -> Result<DuckDBLibrary, StoreError> {
    for candidate in candidates where candidate.mayExist {
      var reason = [CChar](repeating: 0, count: 512)
      let helper = candidate.helper.flatMap { access($0, R_OK) == 0 ? $0 : nil }
      if let functions = cduckdb_load(candidate.path, helper, &reason, reason.count) {
        return .success(DuckDBLibrary(functions.pointee, path: candidate.path))
      }
      guard candidate.isOptional else {
        let text = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return .failure(.libraryUnusable(path: candidate.path, reason: String(decoding: text, as: UTF8.self)))
      }
    }
    return .failure(.libraryMissing(lookedAt: candidates.map(\.path)))
  }
}

/// A place where the library may be.
struct DuckDBLocation: Hashable {
  let path: String
  /// Opened first if it exists: it defines names that the library at `path` asks for.
  var helper: String?
  /// When it does not load, the next place is tried.
  var isOptional = false

  /// An explicit path alone, or the system's library and then the one in the user's cache.
  static func candidates(_ environment: (String) -> String?) -> [DuckDBLocation] {
    if let explicit = environment("CANDLECAST_DUCKDB") { return [besideItsHelper(explicit)] }
    let cache =
      environment("CANDLECAST_CACHE") ?? environment("XDG_CACHE_HOME").map { $0 + "/candlecast" }
      ?? environment("HOME").map { $0 + "/.cache/candlecast" }
    return [DuckDBLocation(path: "libduckdb.so", isOptional: true)]
      + (cache.map { [besideItsHelper($0 + "/duckdb/libduckdb.so")] } ?? [])
  }

  private static func besideItsHelper(_ path: String) -> DuckDBLocation {
    let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
    return DuckDBLocation(path: path, helper: folder + "libpython_stub.so")
  }

  /// A bare name is looked for by the system.
  var mayExist: Bool { !path.contains("/") || access(path, F_OK) == 0 }
}
