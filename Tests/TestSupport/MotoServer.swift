internal import Dispatch
internal import FoundationEssentials
internal import Glibc

/// moto's stand-in for S3, Kinesis and CloudWatch, on a free port of this machine. It checks no signatures.
///
/// It ends with its last reference, and with this process however that ends: it reads a pipe that we hold.
package final class MotoServer: Sendable {
  /// Such as `http://127.0.0.1:39123`.
  package let url: String
  private let process: pid_t
  private let leash: Int32

  /// One for all tests of a process; they choose names that others do not.
  package static let shared = Task { try await MotoServer() }

  package struct Failure: Error, CustomStringConvertible { package let description: String }

  /// Returns when it answers.
  package convenience init() async throws {
    let started = try await withCheckedThrowingContinuation { continuation in
      DispatchQueue(label: "moto").async { continuation.resume(with: Result { try Self.start() }) }
    }
    self.init(started)
  }

  private init(_ started: Started) { (url, process, leash) = (started.url, started.process, started.leash) }

  deinit {
    close(leash)
    kill(process, SIGTERM)
    var status: Int32 = 0
    waitpid(process, &status, 0)
  }

  private struct Started: Sendable {
    let url: String
    let process: pid_t
    let leash: Int32
  }

  private static let program = """
    import os, sys, threading
    threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    from moto.server import main
    main(["-H", "127.0.0.1", "-p", "0"])
    """

  private static func start() throws -> Started {
    let python = folder + "/bin/python"
    guard FileManager.default.fileExists(atPath: python) else {
      throw Failure(description: "moto is not in \(folder): run `make setup`, which puts it there")
    }
    let (input, leash) = try pipe()
    let (reading, output) = try pipe()
    defer { close(input) }
    let process = try spawn([python, "-I", "-c", program], input: input, output: output)
    close(output)
    let log = LogReader(reading)
    guard let url = log.address() else {
      close(leash)
      var status: Int32 = 0
      waitpid(process, &status, 0)
      throw Failure(description: "moto did not start: \(log.text)")
    }
    // It says something for each request and would stop if nobody read that.
    DispatchQueue(label: "moto log").async { log.drain() }
    return Started(url: url, process: process, leash: leash)
  }

  private static func spawn(_ words: [String], input: Int32, output: Int32) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)
    let environment = ["HOME=/nonexistent", "PATH=/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE=1"]
    var arguments = words.map { strdup($0) } + [nil]
    var variables = environment.map { strdup($0) } + [nil]
    defer { for text in arguments + variables { free(text) } }
    var process = pid_t()
    let code = posix_spawn(&process, words[0], &actions, nil, &arguments, &variables)
    guard code == 0 else { throw Failure(description: "\(words[0]): \(String(cString: strerror(code)))") }
    return process
  }

  /// Neither end goes to other children.
  private static func pipe() throws -> (reading: Int32, writing: Int32) {
    var ends: [Int32] = [0, 0]
    guard Glibc.pipe(&ends) == 0 else { throw Failure(description: String(cString: strerror(errno))) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  private static var folder: String {
    let set = ProcessInfo.processInfo.environment
    let cache =
      set["CANDLECAST_CACHE"] ?? set["XDG_CACHE_HOME"].map { $0 + "/candlecast" }
      ?? (set["HOME"] ?? "/root") + "/.cache/candlecast"
    return cache + "/clients"
  }
}

/// What moto writes. One thread at a time has it.
private final class LogReader: @unchecked Sendable {
  private let file: Int32
  private(set) var text = ""

  init(_ file: Int32) { self.file = file }

  deinit { close(file) }

  /// Waits for the line that says where it listens; `nil` if it ends without one.
  func address() -> String? {
    while let more = next() {
      text += more
      guard let start = text.firstRange(of: "Running on http://127.0.0.1:")?.lowerBound else { continue }
      let line = text[start...].drop { $0 != "h" }
      guard let end = line.firstIndex(where: \.isNewline) else { continue }
      return String(line[..<end])
    }
    return nil
  }

  func drain() { while next() != nil {} }

  private func next() -> String? {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(file, &bytes, bytes.count)
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }
}
