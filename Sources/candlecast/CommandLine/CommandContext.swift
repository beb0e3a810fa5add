import Market
import Operations
import Platform
import Storage

/// What a verb works with beside its own arguments.
struct CommandContext: Sendable {
  var configuration: Configuration
  let log: Log
  let output: Output
  let installation: Installation
  /// What the credentials of a cloud are taken from, and the user's folders.
  var environment: [String: String] = [:]
  /// A copy of the models that `--models` names, where those are no folder.
  var modelsMirror: ModelsMirror.Copy?

  var series: Series {
    guard let venue = configuration.text("market.venue").flatMap(Venue.init),
      let symbol = configuration.text("market.symbol").flatMap(Symbol.init)
    else { preconditionFailure("the configuration checks venue and symbol") }
    return Series(venue, symbol)
  }

  var view: MarketView { configuration.text("market.view").flatMap { MarketView($0) } ?? MarketView(price: series) }

  var target: PredictionTarget {
    guard let target = configuration.text("market.target").flatMap({ PredictionTarget($0) }) else {
      preconditionFailure("the configuration checks the target")
    }
    return target
  }

  var store: StoreLocation {
    guard let store = try? StoreChoice(configuration).location() else {
      preconditionFailure("the store is checked before a verb runs")
    }
    return store
  }

  /// Where the files beside the store are, if that is not its folder.
  var ownStateFolder: String?

  /// Folder of the files beside the store.
  var stateFolder: String { ownStateFolder ?? store.folder }

  /// As the user named it: a folder, or `s3://bucket/prefix`.
  var modelsURL: String { configuration.text("models") ?? "models" }

  var modelsFolder: String { modelsMirror?.folder ?? modelsURL }

  var logFolder: String { configuration.text("log.directory") ?? "logs" }

  var seed: UInt64 { UInt64(configuration.integer("training.seed") ?? 1) }

  /// Ctrl-C was pressed: finish the piece in hand, leave everything whole, return.
  var isStopRequested: Bool { Signals.isStopRequested }

  func now() -> Timestamp { SystemClock.now() }

  /// Seconds since some moment; never goes back.
  func seconds() -> Double { SystemClock.seconds() }

  /// Drawn on a terminal, unless `--quiet`.
  func progress(_ label: String, unit: String, total: Int64?) -> ProgressBar {
    let isShown = Terminal.error.isInteractive && !output.isQuiet
    return ProgressBar(label: label, unit: unit, total: total, isShown: isShown, clock: SystemClock.seconds)
  }
}
