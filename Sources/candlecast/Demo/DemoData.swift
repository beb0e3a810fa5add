import FoundationEssentials

/// The recorded candles that a demonstration plays.
struct DemoData {
  let path: String

  /// - Throws: if they are nowhere.
  init(_ installation: Installation, symbol: String) throws {
    for folder in installation.dataFolders {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      if let name = names.filter({ $0.hasPrefix(symbol + "_") && $0.contains(".csv") }).min() {
        path = folder + "/" + name
        return
      }
    }
    throw CommandError(
      .unreachable,
      "there are no recorded candles of \(symbol) to play (\(symbol)_….csv, also .gz or .zst) in "
        + installation.dataFolders.joined(separator: ", ") + "; CANDLECAST_DATA names the folder that has them")
  }
}
