import FoundationEssentials
import Glibc
import Operations

/// Where the parts of Candlecast that are not this program are.
struct Installation: Sendable {
  /// Downloaded libraries.
  let cacheFolder: String
  /// The folder of this program, where the trainer is too.
  let programFolder: String

  init(cacheFolder: String, programFolder: String) {
    (self.cacheFolder, self.programFolder) = (cacheFolder, programFolder)
  }

  init(configuration: Configuration, environment: [String: String]) {
    cacheFolder = configuration.text("cache") ?? Self.usualCache(environment)
    programFolder = Self.folderOfThisProgram
  }

  var trainer: String { programFolder + "/candlecast-trainer" }
  var duckdb: String { cacheFolder + "/duckdb/libduckdb.so" }
  var pythonStub: String { cacheFolder + "/duckdb/libpython_stub.so" }
  var xgboost: String { cacheFolder + "/xgboost/xgboost/lib/libxgboost.so" }
  var torchFolder: String { cacheFolder + "/torch/lib" }

  /// `XDG_CACHE_HOME/candlecast`, else `~/.cache/candlecast`.
  static func usualCache(_ environment: [String: String]) -> String {
    if let folder = environment["XDG_CACHE_HOME"], !folder.isEmpty { return folder + "/candlecast" }
    return (environment["HOME"] ?? "/root") + "/.cache/candlecast"
  }

  private static var folderOfThisProgram: String {
    let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "./candlecast"
    return program.lastIndex(of: "/").map { String(program[..<$0]) } ?? "."
  }
}
