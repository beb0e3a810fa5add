import Dispatch
import FoundationEssentials
import Ingestion
import Market
import Operations
import Storage
import Synchronization
import Tape
import TestSupport
import Testing
import Transport
import VenueSimulator
import Venues

@testable import candlecast

/// Runs live feeds in this process.
enum Watch {
  private final class Ending: Sendable {
    let isWanted = Atomic(false)
    let hasCome = Atomic(false)
  }

  /// Runs a feed until something holds of it, which is looked at again and again, and gives what it did.
  static func run(
    _ context: CommandContext, _ options: LiveSession.Options,
    until isEnough: @Sendable (LiveStatus) async throws -> Bool
  ) async throws -> LiveSession.Result {
    let ending = Ending()
    var options = options
    options.isStopRequested = { ending.isWanted.load(ordering: .relaxed) }
    let session = LiveSession(context, options)
    let running = Task {
      defer { ending.hasCome.store(true, ordering: .relaxed) }
      return try await session.run()
    }
    defer { ending.isWanted.store(true, ordering: .relaxed) }
    let limit = ContinuousClock.now + .seconds(Patience.seconds)
    while !ending.hasCome.load(ordering: .relaxed), try await !isEnough(options.status) {
      guard ContinuousClock.now < limit else {
        Issue.record("it never came to that: \(log(of: context).suffix(3000))")
        break
      }
      try await Task.sleep(for: .milliseconds(20))
    }
    ending.isWanted.store(true, ordering: .relaxed)
    let result = try await running.value
    if options.stores { try await whenReleased { _ = try context.openForReading() } }
    return result
  }

  /// What opens a store, once nobody has it open who still reads beside a feed that has ended.
  static func whenReleased<Value>(_ open: () throws -> Value) async throws -> Value {
    let limit = ContinuousClock.now + .seconds(Patience.seconds)
    while true {
      do {
        return try open()
      } catch let error as StoreError where error.isHeldHere && ContinuousClock.now < limit {
        try await Task.sleep(for: .milliseconds(20))
      }
    }
  }

  private static func log(of context: CommandContext) -> String {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: context.logFolder)) ?? []
    return files.compactMap { FileManager.default.contents(atPath: context.logFolder + "/" + $0) }
      .map { String(decoding: $0, as: UTF8.self) }.joined()
  }

  /// Why a feed cannot begin; `nil` if it can.
  static func refusal(_ context: CommandContext, _ options: LiveSession.Options) async throws -> CommandError? {
    do {
      _ = try await LiveSession(context, options).run()
      return nil
    } catch let error as CommandError {
      return error
    }
  }

  /// Fetches what is missing, once.
  static func ingest(_ context: CommandContext) async throws -> LiveSession.Result {
    try await LiveSession(context, .init(requestKnob: "ingest.limit")).run()
  }

  static func get(_ url: String) async throws -> HTTPAnswer {
    try await HTTPClient().send(HTTPRequest(url: url, timeoutSeconds: Patience.seconds))
  }

  struct Outcome: Sendable {
    let code: ExitCode
    let output: String
    let error: String
  }

  /// Runs a command on a thread of its own, because it blocks.
  static func command(_ words: [String], environment: [String: String] = [:]) async -> Outcome {
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        let output = Mutex("")
        let error = Mutex("")
        let program = Program(
          environment: environment, output: { text in output.withLock { $0 += text } },
          error: { text in error.withLock { $0 += text } })
        let code = program.run(words)
        continuation.resume(
          returning: Outcome(code: code, output: output.withLock { $0 }, error: error.withLock { $0 }))
      }
    }
  }
}

extension Desk {
  /// Runs a command with this desk's configuration.
  func command(_ words: String..., knobs: [String: String] = [:]) async throws -> Watch.Outcome {
    let path = try folder.write(yaml(knobs), to: "c.yaml")
    return await Watch.command(words + ["--config", path])
  }
}
