import Glibc
import Synchronization

/// A real Redis server in a temporary folder on a free port, without a configuration file; killed with its last
/// reference.
package final class RedisServer: Sendable {
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  package let port: UInt16
  package let folder: TemporaryFolder
  private let arguments: [String]
  private let password: String?
  private let program: Mutex<SpawnedProgram?>

  /// Starts it and waits until it answers.
  ///
  /// - Parameter arguments: further options, such as `--maxmemory 2mb`.
  package init(_ arguments: [String] = [], password: String? = nil) async throws {
    folder = try TemporaryFolder()
    (self.arguments, self.password) = (arguments, password)
    // Between finding a port and listening on it another program may take it.
    var attempts = 0
    while true {
      let port = FreePort.find()
      let program = try Self.launch(port, arguments, password, folder)
      do {
        try await Self.untilReady(port, program, password)
      } catch {
        attempts += 1
        guard attempts < 5, program.log.contains("Address already in use") else { throw error }
        continue
      }
      self.port = port
      self.program = Mutex(program)
      return
    }
  }

  package var url: String { "redis://" + (password.map { ":\($0)@" } ?? "") + "127.0.0.1:\(port)" }

  private static func launch(
    _ port: UInt16, _ arguments: [String], _ password: String?, _ folder: TemporaryFolder
  ) throws -> SpawnedProgram {
    try SpawnedProgram(
      "redis-server",
      ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder.path, "--save", ""]
        + (password.map { ["--requirepass", $0] } ?? []) + arguments,
      in: folder.path, log: folder.file("redis.log"))
  }

  private static func untilReady(_ port: UInt16, _ program: SpawnedProgram, _ password: String?) async throws {
    // Naps are counted and not seconds: a test that was not given the processor does not blame the server.
    for nap in 0..<650 {
      if let answer = try? RedisServer.ask(port, password, ["PING"]), answer.hasPrefix("+PONG") { return }
      guard program.isRunning else { break }
      try await Task.sleep(for: .milliseconds(min(100, 2 * (nap + 1))))
    }
    throw Failure(description: "redis-server did not become ready: \(program.log.suffix(2000))")
  }

  // MARK: Life

  package func send(_ signal: Int32) { program.withLock { $0?.send(signal) } }

  /// Returns when it stands still.
  package func pause() { program.withLock { $0?.pause() } }

  package func resume() { send(SIGCONT) }

  /// At once, as a power cut would.
  package func kill() { program.withLock { $0?.kill() } }

  /// In order, with what it was told saved as it is set up to be.
  package func stop() async throws {
    send(SIGTERM)
    _ = try await program.withLock { $0 }?.end()
  }

  /// On the same port, with the same files.
  ///
  /// - Parameter waits: otherwise it may still be loading.
  package func start(waits: Bool = true) async throws {
    let new = try Self.launch(port, arguments, password, folder)
    program.withLock { $0 = new }
    if waits { try await Self.untilReady(port, new, password) }
  }

  // MARK: Questions, on a connection of their own

  /// - Returns: the answer as it came, `+OK` for instance.
  @discardableResult
  package func ask(_ words: String...) throws -> String {
    let answer = try Self.ask(port, password, words)
    guard !answer.hasPrefix("-") else { throw Failure(description: "\(words): \(answer)") }
    return answer
  }

  private static func ask(_ port: UInt16, _ password: String?, _ words: [String]) throws -> String {
    let peer = try LoopbackPeer(port: Int(port), patienceSeconds: 60)
    let login = password.map { [["AUTH", $0]] } ?? []
    var answer = ""
    for command in login + [words] {
      let text = "*\(command.count)\r\n" + command.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
      peer.write(text)
      answer = try peer.readAnswer()
    }
    return answer
  }
}

extension LoopbackPeer {
  /// One answer of Redis: its line, and for a text the text after it.
  fileprivate func readAnswer() throws -> String {
    let line = try whole(read(through: "\r\n"))
    guard line.hasPrefix("$"), let count = Int(line.dropFirst()), count >= 0 else { return line }
    return try whole(String(decoding: read(count + 2), as: UTF8.self))
  }

  private func whole(_ text: String) throws -> String {
    guard text.hasSuffix("\r\n") else { throw RedisServer.Failure(description: "the connection ended") }
    return String(text.dropLast())
  }
}
