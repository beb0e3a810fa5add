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
    let peer = try LoopbackPeer(port: port)
    let login = password.map { [["AUTH", $0]] } ?? []
    var answer = ""
    for command in login + [words] {
      let text = "*\(command.count)\r\n" + command.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
      peer.write(Array(text.utf8))
      answer = try peer.readAnswer()
    }
    return answer
  }
}

/// A blocking connection to a port of this machine. Reads give up after a minute.
package final class LoopbackPeer: Sendable {
  private let socket: Int32

  package init(port: UInt16) throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in(
      sin_family: sa_family_t(AF_INET), sin_port: port.bigEndian,
      sin_addr: in_addr(s_addr: UInt32(0x7F00_0001).bigEndian),
      sin_zero: (0, 0, 0, 0, 0, 0, 0, 0))
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    // `deinit` closes it, in this case too.
    guard status == 0 else { throw RedisServer.Failure(description: "nobody listens on \(port)") }
    var patience = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(socket) }

  package func write(_ bytes: [UInt8]) { _ = send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

  /// One answer of Redis: its line, and for a text the text after it.
  package func readAnswer() throws -> String {
    var text = try readLine()
    guard text.hasPrefix("$"), let count = Int(text.dropFirst()), count >= 0 else { return text }
    text = ""
    while text.utf8.count < count + 2 { text += try readSome(count + 2 - text.utf8.count) }
    return String(text.dropLast())
  }

  private func readLine() throws -> String {
    var line = ""
    while !line.hasSuffix("\r\n") { line += try readSome(1) }
    return String(line.dropLast())
  }

  private func readSome(_ limit: Int) throws -> String {
    var bytes = [UInt8](repeating: 0, count: limit)
    let count = recv(socket, &bytes, limit, 0)
    guard count > 0 else { throw RedisServer.Failure(description: "the connection ended") }
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}
