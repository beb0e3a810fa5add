import FoundationEssentials
import Market
import TestSupport
import Testing
import Transport

/// A simulator, a feed that follows it and serves the page, and a browser.
final class PageStage: Sendable {
  @TaskLocal static var current: PageStage?

  let browser: Browser
  private let rehearsal: Rehearsal
  private let folder: TemporaryFolder

  /// Two simulated minutes a second.
  init() async throws {
    rehearsal = try await Rehearsal(
      Rehearsal.candles(hours: 30, tradesAMinute: 10), speed: 120, streamedHours: 24)
    folder = try TemporaryFolder()
    for target in ["direction-15m", "window-15m"] {
      try KillTests.register(in: folder, target: try #require(PredictionTarget(target)))
    }
    browser = try await Browser()
  }

  /// - Parameter port: any free one if 0.
  func serve(port: Int = 0) async throws -> ServedPage {
    let program = try rehearsal.candlecast(
      ["run", "--venue", "sim-binance", "--port", "\(port)"], in: folder, name: "run-\(UUID().uuidString)")
    let taken = try await Wait.until("the port of the page", program) {
      program.output.split(separator: "\n").first { $0.hasPrefix("health on port ") }
        .flatMap { $0.split { !$0.isNumber }.first }.flatMap { Int($0) }
    }
    let http = rehearsal.http
    _ = try await Wait.until("readiness", program) {
      let request = HTTPRequest(url: "http://127.0.0.1:\(taken)/health/ready", timeoutSeconds: Patience.seconds)
      return (try? await http.send(request))?.status == 200 ? true : nil
    }
    return ServedPage(program: program, port: taken)
  }
}

/// A feed while it serves the page. It is killed with its last reference.
struct ServedPage: Sendable {
  let program: RunningProgram
  let port: Int

  var url: String { "http://127.0.0.1:\(port)/" }
}

/// Lets the tests of a suite share a stage, which is gone after the last of them.
struct Staged: SuiteTrait, TestScoping {
  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    let stage = try await PageStage()
    do {
      try await PageStage.$current.withValue(stage) { try await function() }
    } catch {
      await stage.browser.end()
      throw error
    }
    await stage.browser.end()
  }
}

extension Trait where Self == Staged {
  static var staged: Self { Staged() }
}
