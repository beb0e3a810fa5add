import FoundationEssentials
import Synchronization
import TestSupport

@testable import candlecast

/// The program's commands, run within this process, with their log in a folder of the test.
struct TestedProgram {
  struct Result {
    let code: ExitCode
    let output: String
    let error: String
  }

  let folder: TemporaryFolder

  func run(_ words: [String], environment: [String: String] = [:]) -> Result {
    let output = Mutex("")
    let error = Mutex("")
    let own = ["CANDLECAST_LOG_DIRECTORY": folder.file("logs")]
    let machine = ProcessInfo.processInfo.environment.filter { ["HOME", "CANDLECAST_CACHE"].contains($0.key) }
    let program = Program(
      environment: machine.merging(own) { $1 }.merging(environment) { $1 },
      output: { text in output.withLock { $0 += text } }, error: { text in error.withLock { $0 += text } })
    let code = program.run(words)
    return Result(code: code, output: output.withLock { $0 }, error: error.withLock { $0 })
  }

  func run(_ line: String, environment: [String: String] = [:]) -> Result {
    run(line.split(separator: " ").map(String.init), environment: environment)
  }
}
