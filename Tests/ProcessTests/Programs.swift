import Glibc
import Synchronization
import TestSupport

/// The executables that were built together with these tests.
enum Programs {
  static let candlecast = folder + "/candlecast"

  /// Where the test bundle lies; the products lie beside it.
  private static let folder: String = {
    var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &bytes, bytes.count - 1)
    let path = String(decoding: bytes.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
  }()
}

/// A program while it runs; what it prints goes to files. It is killed with its last reference.
final class RunningProgram: Sendable {
  enum Ending: Hashable, Sendable {
    case exited(Int32)
    case killed(Int32)
  }

  struct NotInTime: Error, CustomStringConvertible {
    let description: String
  }

  let process: pid_t
  let outputPath: String
  let errorPath: String
  private let folder: TemporaryFolder
  private let reaper = Reaper()

  /// - Parameter folder: working folder and home of the program's output; kept as long as the program.
  init(
    _ executable: String = Programs.candlecast, arguments: [String], in folder: TemporaryFolder,
    environment: [String: String] = [:], name: String = "program"
  ) throws {
    self.folder = folder
    outputPath = folder.file(name + ".out")
    errorPath = folder.file(name + ".err")
    var all = ["PATH": "/usr/bin:/bin"]
    for name in ["LD_LIBRARY_PATH", "CANDLECAST_CACHE", "XDG_CACHE_HOME", "HOME"] {
      if let value = getenv(name) { all[name] = String(cString: value) }
    }
    all.merge(environment) { _, new in new }
    process = try Self.spawn(executable, arguments, all, folder.path, outputPath, errorPath)
  }

  private static func spawn(
    _ executable: String, _ arguments: [String], _ environment: [String: String], _ folder: String, _ output: String,
    _ error: String
  ) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, error, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    // The shell only changes the folder; the program takes its place and number.
    let inFolder = ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder, executable]
    let words = (inFolder + arguments).map { strdup($0) } + [nil]
    let variables = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for pointer in words + variables { free(pointer) } }
    var process = pid_t()
    let code = posix_spawn(&process, "/bin/sh", &actions, &attributes, words, variables)
    guard code == 0 else {
      throw NotInTime(description: "cannot start \(executable): \(String(cString: strerror(code)))")
    }
    return process
  }

  deinit {
    guard reaper.ending(of: process) == nil else { return }
    Glibc.kill(process, SIGKILL)
    reaper.wait(for: process)
  }

  var output: String { Self.text(of: outputPath) }
  var error: String { Self.text(of: errorPath) }

  private static func text(of path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += chunk[..<count]
    }
  }

  /// `nil` while it runs.
  var ending: Ending? { reaper.ending(of: process) }

  func send(_ signal: Int32) {
    if ending == nil { Glibc.kill(process, signal) }
  }

  /// At once, as a power cut would.
  func kill() {
    send(SIGKILL)
    reaper.wait(for: process)
  }

  /// - Throws: `NotInTime` with what it printed.
  @discardableResult
  func end() async throws -> Ending {
    try await Wait.until("the end of the program", self) { self.ending }
  }

  /// Kilobytes or a count from `/proc/PID/status`.
  func status(_ name: String) -> Int? {
    for line in Self.text(of: "/proc/\(process)/status").split(separator: "\n") where line.hasPrefix(name + ":") {
      return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
    }
    return nil
  }

  var openFiles: Int {
    guard let folder = opendir("/proc/\(process)/fd") else { return 0 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count - 2
  }
}

/// Takes the exit status of a child exactly once: afterwards its number may be another process's.
private final class Reaper: Sendable {
  private let taken = Mutex<RunningProgram.Ending?>(nil)

  func ending(of process: pid_t) -> RunningProgram.Ending? { reap(process, WNOHANG) }

  func wait(for process: pid_t) { _ = reap(process, 0) }

  private func reap(_ process: pid_t, _ flags: Int32) -> RunningProgram.Ending? {
    taken.withLock { ending in
      if let ending { return ending }
      var status: Int32 = 0
      guard waitpid(process, &status, flags) == process else { return nil }
      ending = status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .killed(status & 0x7F)
      return ending
    }
  }
}

enum Wait {
  /// Asks again and again until there is a value.
  static func until<Value: Sendable>(
    _ what: String, _ program: RunningProgram? = nil,
    _ value: () async throws -> Value?
  ) async throws -> Value {
    let start = ContinuousClock.now
    while true {
      if let value = try await value() { return value }
      guard ContinuousClock.now - start < .seconds(Patience.seconds) else { break }
      try await Task.sleep(for: .milliseconds(5))
    }
    throw RunningProgram.NotInTime(
      description: "\(what) did not come within \(Patience.seconds) s"
        + (program.map { "; output: \($0.output.suffix(2000)) error: \($0.error.suffix(2000))" } ?? ""))
  }
}
