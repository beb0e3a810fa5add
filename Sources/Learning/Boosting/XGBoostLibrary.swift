import CXGBoost
import Glibc

/// libxgboost, loaded once on first use.
///
/// Unchecked because the imported table of C functions is not marked; it is never written after loading, and the
/// library locks what its functions share.
package struct XGBoostLibrary: @unchecked Sendable {
  let functions: cxgboost_api

  private static let loaded = Result { try XGBoostLibrary(paths: candidates(environment)) }

  package static func shared() throws -> XGBoostLibrary { try loaded.get() }

  /// The first of `paths` that can be loaded.
  package init(paths: [String]) throws {
    var reasons: [String] = []
    for path in paths {
      let functions = UnsafeMutablePointer<cxgboost_api>.allocate(capacity: 1)
      defer { functions.deallocate() }
      if let reason = cxgboost_open(path, functions) {
        reasons.append(String(cString: reason))
        continue
      }
      self.functions = functions.pointee
      try checkVersion(path)
      return
    }
    throw BoosterError.libraryMissing(reasons: reasons)
  }

  /// The one place where a status of the library becomes an error.
  func call(_ purpose: String, _ body: (cxgboost_api) -> Int32) throws {
    guard body(functions) != 0 else { return }
    throw BoosterError.library(call: purpose, message: String(cString: functions.last_error()))
  }

  /// Where the library may be, the likeliest first: named by the user, put there by the set-up, or the system's.
  package static func candidates(_ environment: (String) -> String?) -> [String] {
    let cache =
      environment("CANDLECAST_CACHE")
      ?? environment("XDG_CACHE_HOME").map { $0 + "/candlecast" }
      ?? (environment("HOME") ?? "/root") + "/.cache/candlecast"
    return [environment("CANDLECAST_XGBOOST"), cache + "/xgboost/xgboost/lib/libxgboost.so", "libxgboost.so"]
      .compactMap { $0 }
  }

  private static func environment(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }

  package var version: (major: Int, minor: Int, patch: Int) {
    var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
    functions.version(&major, &minor, &patch)
    return (Int(major), Int(minor), Int(patch))
  }

  private func checkVersion(_ path: String) throws {
    let (major, minor, patch) = version
    guard major >= 3 else { throw BoosterError.wrongVersion(path: path, found: "\(major).\(minor).\(patch)") }
  }
}
