import FoundationEssentials
import Glibc
import Operations

@main
enum Candlecast {
  static func main() {
    Signals.install()
    let environment = ProcessInfo.processInfo.environment
    guard Parent.follow(environment) else { exit(ExitCode.failed.rawValue) }
    let program = Program(
      environment: environment, output: { Terminal.output.write($0) },
      error: { Terminal.error.write($0) })
    exit(program.run(Array(CommandLine.arguments.dropFirst())).rawValue)
  }
}
