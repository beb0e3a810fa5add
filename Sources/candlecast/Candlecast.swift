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
    let code = program.run(Array(CommandLine.arguments.dropFirst())).rawValue
    fflush(nil)
    // Not `exit`: it takes libraries apart that threads of their own may still be in.
    _exit(code)
  }
}
