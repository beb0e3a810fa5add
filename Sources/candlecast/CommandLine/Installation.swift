import FoundationEssentials
import Glibc
import Operations

/// Where the parts of Candlecast that are not this program are. The environment says so, because the build reads it too.
final class Installation: Sendable {
  let duckdb: String
  let xgboost: String
  let torchFolder: String
  /// The page's chart library.
  let charts: String
  /// Fits models; beside this program.
  let trainer: String
  let program: String
  /// Folders in which the bundled candles may be, the likeliest first.
  let dataFolders: [String]

  init(environment: [String: String]) {
    let set = environment.filter { !$0.value.isEmpty }
    let cache =
      set["CANDLECAST_CACHE"] ?? set["XDG_CACHE_HOME"].map { $0 + "/candlecast" }
      ?? (set["HOME"] ?? "") + "/.cache/candlecast"
    duckdb = set["CANDLECAST_DUCKDB"] ?? cache + "/duckdb/libduckdb.so"
    xgboost = set["CANDLECAST_XGBOOST"] ?? cache + "/xgboost/xgboost/lib/libxgboost.so"
    torchFolder = cache + "/torch/lib"
    charts = cache + "/charts/lightweight-charts.js"
    program = Self.thisProgram
    let folder = Self.folder(of: program)
    trainer = folder + "/candlecast-trainer"
    dataFolders = set["CANDLECAST_DATA"].map { [$0] } ?? Self.dataFolders(above: folder)
  }

  /// Defines the Python names that the wheel's DuckDB asks for; beside it.
  var pythonStub: String {
    let folder = duckdb.lastIndex(of: "/").map { duckdb[...$0] } ?? ""
    return folder + "libpython_stub.so"
  }

  private static var thisProgram: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "./candlecast"
  }

  private static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
  }

  /// Where we are, and in every folder above the program: it is built within the sources.
  private static func dataFolders(above folder: String) -> [String] {
    var folders = ["Data"]
    var folder = folder
    while folder.contains("/") {
      folders.append(folder + "/Data")
      folder = self.folder(of: folder)
    }
    return folders
  }
}
