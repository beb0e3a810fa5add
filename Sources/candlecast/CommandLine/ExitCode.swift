/// What the program tells the one who started it.
enum ExitCode: Int32, Sendable {
  case done = 0
  /// The work failed, a full disk included.
  case failed = 1
  case wrongUsage = 2
  /// Bad input data or a corrupt store.
  case badData = 3
  /// Something needed cannot be reached: locked, no library, no server.
  case unreachable = 4
}

/// An error that knows how the program ends because of it.
protocol ExitCoded: Error {
  var exitCode: ExitCode { get }
}

/// A failure of a verb, with a sentence a user can act on.
struct CommandError: ExitCoded, CustomStringConvertible {
  let exitCode: ExitCode
  let description: String

  init(_ exitCode: ExitCode, _ description: String) { (self.exitCode, self.description) = (exitCode, description) }
}
