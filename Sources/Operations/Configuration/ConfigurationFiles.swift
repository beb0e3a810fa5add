internal import FoundationEssentials

/// Reads the files that a configuration comes from.
package enum ConfigurationFiles {
  package static let defaultPath = "candlecast.yaml"
  package static let defaultIngestPath = "config/bitcoin_ingest.json"

  /// A file that was named must be there; those at the default paths need not be.
  package static func load(
    path: String?, environment: [String: String], flags: [Configuration.Flag]
  ) throws(ConfigurationError) -> Configuration {
    var input = Configuration.Input(environment: environment, flags: flags)
    input.file = try read(path, or: defaultPath)
    let ingestPath = try Configuration(input).text("ingest.config")
    input.ingestFile = try read(ingestPath, or: defaultIngestPath)
    return try Configuration(input)
  }

  private static func read(_ named: String?, or usual: String) throws(ConfigurationError) -> Configuration.TextFile? {
    let path = named ?? usual
    if named == nil, !FileManager.default.fileExists(atPath: path) { return nil }
    do {
      let data = try Data(contentsOf: URL(filePath: path))
      return Configuration.TextFile(path: path, text: String(decoding: data, as: UTF8.self))
    } catch {
      let isThere = FileManager.default.fileExists(atPath: path)
      throw .unreadable(path: path, reason: isThere ? "it is not a file that you may read" : "there is no such file")
    }
  }
}
