import FoundationEssentials
import Market
import Operations
import Storage

/// Where a demonstration keeps what it makes: apart from everything real, which it neither reads nor touches.
struct DemoPlace {
  private static let flag = "--demo"
  private static let store = "duckdb:feature_store/demo.duckdb"
  private static let models = "models/demo"

  /// Of the store's file.
  let path: String
  /// Of everything beside the store: tape, limits, log, training.
  let folder: String

  /// - Throws: for a store that is no file of candles of simulated venues.
  init(_ context: CommandContext) throws {
    guard case .duckDB(let path) = context.store else {
      throw UsageError.contradiction(
        "--demo begins its store anew at each start, so it takes a file: --store duckdb:PATH")
    }
    if let real = context.view.series.first(where: { !$0.venue.isSimulated }) {
      throw UsageError.contradiction(
        "--demo follows what a simulator sends, and \(real.venue) is a real venue; --venue sim-\(real.venue) is not")
    }
    self.path = path
    folder = Self.folder(besides: path)
  }

  private static func folder(besides path: String) -> String {
    (path.hasSuffix(".duckdb") ? String(path.dropLast(7)) : path) + "-files"
  }

  /// What a demonstration is configured with, whatever files and the environment say; its own options hold.
  static func flags(_ arguments: ParsedArguments) -> [Configuration.Flag] {
    let store = arguments.text("--store") ?? store
    let path = store.hasPrefix("duckdb:") ? String(store.dropFirst(7)) : "feature_store/demo"
    let folder = folder(besides: path)
    let own = [
      ("store", "--store", store), ("models", "--models", models), ("market.venue", "--venue", "sim-binance"),
      ("market.symbol", "--symbol", "BTCUSDT"), ("market.view", "--view", ""),
      ("roles", "--roles", "ingest,features,predict"),
    ].filter { arguments.text($0.1) == nil }.map { ($0.0, $0.2) }
    let fixed = [
      ("tape.directory", folder + "/tape"), ("log.directory", folder + "/logs"), ("market.venues", ""),
      ("market.symbols", ""), ("binance.encoding", "json"), ("backup.every_hours", "0"), ("schedule.retrain", "false"),
      ("aws.cloudwatch", "off"),
    ]
    return (own + fixed).map { Configuration.Flag(key: $0.0, name: flag, text: $0.1) }
  }

  /// Removes what an earlier start left: the simulator moves its candles to now, so theirs would not go together.
  ///
  /// - Returns: whether there was a store.
  func clear(_ context: CommandContext) throws -> Bool {
    let files = FileManager.default
    let wasThere = files.fileExists(atPath: path)
    if wasThere { try requireSimulated(context) }
    do {
      let ofStore = [path] + DuckDBStore.filesBeside(path)
      for old in ofStore + [folder + "/tape", folder + "/venue-limits.json", folder + "/training"]
      where files.fileExists(atPath: old) { try files.removeItem(atPath: old) }
      try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw CommandError(.failed, "cannot begin the store of the demonstration anew: \(error)")
    }
    return wasThere
  }

  /// A store that another process has open is refused here too.
  private func requireSimulated(_ context: CommandContext) throws {
    let series = try context.openBeforeWriting().status().map(\.series)
    guard let real = series.first(where: { !$0.venue.isSimulated }) else { return }
    throw CommandError(
      .wrongUsage,
      "\(context.store) holds candles of \(real), and --demo begins its store anew: choose another by --store")
  }
}
