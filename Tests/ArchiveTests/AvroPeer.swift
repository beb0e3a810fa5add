import FoundationEssentials
import Operations
import Testing

import class Foundation.Bundle

/// fastavro, in the environment that `make setup` makes.
enum AvroPeer {
  /// The lines that `avro_peer.py` prints.
  static func run(_ arguments: [String]) throws -> [String] {
    let python = folder + "/bin/python"
    try #require(
      FileManager.default.fileExists(atPath: python),
      "fastavro is not in \(folder): run `make setup`, which puts it there")
    let script = try #require(Bundle.module.resourceURL).appending(path: "avro_peer.py").path
    var child = ChildProcess(executable: python, arguments: ["-I", script] + arguments)
    child.environment = ["HOME": "/nonexistent", "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"]
    var (lines, errors): ([String], [String]) = ([], [])
    let outcome = try child.run { stream, line in
      if stream == .output { lines.append(line) } else { errors.append(line) }
    }
    try #require(outcome.ending == .exited(0), "\(arguments) ended with \(outcome.ending):\n\(errors)")
    return lines
  }

  private static var folder: String {
    let set = ProcessInfo.processInfo.environment
    let cache =
      set["CANDLECAST_CACHE"] ?? set["XDG_CACHE_HOME"].map { $0 + "/candlecast" }
      ?? (set["HOME"] ?? "") + "/.cache/candlecast"
    return cache + "/clients"
  }
}

/// A file of `Fixtures`.
func fixture(_ name: String) throws -> String {
  try #require(Bundle.module.resourceURL).appending(path: "Fixtures/\(name)").path
}
