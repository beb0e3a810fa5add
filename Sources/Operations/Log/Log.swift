package import Market
internal import Synchronization

/// The one logger: every record to the daily file, and text to the screen from a level on.
package final class Log: Sendable {
  private let clock: @Sendable () -> Timestamp
  private let fileLevel: LogLevel
  private let screenLevel: LogLevel
  private let screen: @Sendable (String) -> Void
  private let files: Mutex<LogFiles?>
  /// Takes what the files take.
  private let follower = Mutex<(@Sendable (LogRecord) -> Void)?>(nil)

  /// Without `files` nothing is kept.
  package init(
    files: LogFiles?, fileLevel: LogLevel, screenLevel: LogLevel, screen: @escaping @Sendable (String) -> Void,
    clock: @escaping @Sendable () -> Timestamp
  ) {
    self.files = Mutex(files)
    self.fileLevel = fileLevel
    self.screenLevel = screenLevel
    self.screen = screen
    self.clock = clock
  }

  /// A log that goes nowhere.
  package static var silent: Log {
    Log(files: nil, fileLevel: .error, screenLevel: .error, screen: { _ in }, clock: { .distantPast })
  }

  /// `isShown: false` keeps a record off the screen, for what the program tells there in another way.
  package func write(
    _ level: LogLevel, _ category: String, _ message: String, subcategory: String? = nil, symbol: Symbol? = nil,
    context: [JSONValue.Member] = [], tookMilliseconds: Double? = nil, isShown: Bool = true
  ) {
    guard level >= min(fileLevel, screenLevel) else { return }
    let record = LogRecord(
      time: clock(), level: level, category: category, subcategory: subcategory, symbol: symbol, message: message,
      context: context, tookMilliseconds: tookMilliseconds)
    if level >= fileLevel {
      files.withLock { $0?.append(record) }
      follower.withLock(\.self)?(record)
    }
    if isShown, level >= screenLevel { screen(record.text) }
  }

  /// From here on `follower` gets every record that goes to the files too; `nil` ends that.
  package func setFollower(_ follower: (@Sendable (LogRecord) -> Void)?) {
    self.follower.withLock { $0 = follower }
  }

  deinit { files.withLock { $0?.close() } }
}
