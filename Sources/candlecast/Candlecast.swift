import FoundationEssentials
import Glibc
import Operations

@main
enum Candlecast {
  static func main() {
    Signals.install()
    let program = Program(
      environment: ProcessInfo.processInfo.environment, output: { Terminal.output.write($0) },
      error: { Terminal.error.write($0) })
    exit(program.run(Array(CommandLine.arguments.dropFirst())).rawValue)
  }
}
