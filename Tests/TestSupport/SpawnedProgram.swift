import Glibc
import Synchronization

/// A program that a test has started. It is killed with its last reference.
package final class SpawnedProgram: Sendable {
  package struct CannotStart: Error, CustomStringConvertible {
    package let description: String
  }

  private let process: pid_t
  package let logPath: String
  /// Taken exactly once: afterwards the number may be another process's.
  private let status = Mutex<Int32?>(nil)

  /// - Parameter executable: a path, or a name that is looked for on the PATH.
  package init(_ executable: String, _ arguments: [String], in folder: String, log: String) throws {
    logPath = log
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    // The shell only changes the folder; the program takes its place and number.
    let all: [String] = ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder, executable] + arguments
    let words = all.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    let names: [String] = ["PATH", "LD_LIBRARY_PATH", "HOME", "TMPDIR"]
    let inherited: [String] = names.compactMap { name in getenv(name).map { name + "=" + String(cString: $0) } }
    let variables = inherited.map { strdup($0) } + [nil]
    defer { for variable in variables { free(variable) } }
    var process = pid_t()
    let code = posix_spawn(&process, "/bin/sh", &actions, &attributes, words, variables)
    guard code == 0 else { throw CannotStart(description: "\(executable): \(String(cString: strerror(code)))") }
    self.process = process
  }

  deinit { kill() }

  package var isRunning: Bool { reap(WNOHANG) == nil }

  /// What `waitpid` said; `nil` while it runs.
  private func reap(_ flags: Int32) -> Int32? {
    status.withLock { status in
      if status == nil {
        var code: Int32 = 0
        if waitpid(process, &code, flags) == process { status = code }
      }
      return status
    }
  }

  package func send(_ signal: Int32) {
    if isRunning { Glibc.kill(process, signal) }
  }

  /// Stops it until it gets SIGCONT, and returns when it stands still.
  package func pause() {
    send(SIGSTOP)
    status.withLock { status in
      var code: Int32 = 0
      guard status == nil, waitpid(process, &code, WUNTRACED) == process, code & 0xFF != 0x7F else { return }
      status = code
    }
  }

  /// At once, as a power cut would.
  package func kill() {
    send(SIGKILL)
    _ = reap(0)
  }

  /// Waits for its end.
  ///
  /// - Returns: its exit status; `nil` if a signal ended it.
  package func end() async throws -> Int32? {
    while isRunning { try await Task.sleep(for: .milliseconds(2)) }
    let code = reap(0) ?? 0
    return code & 0x7F == 0 ? code >> 8 & 0xFF : nil
  }

  package var log: String {
    guard let file = fopen(logPath, "r") else { return "" }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += chunk[..<count]
    }
  }
}

package enum FreePort {
  /// One that nobody listens on right now.
  package static func find() -> UInt16 {
    // While many sockets close at once the kernel may have none to give.
    for _ in 0..<100_000 {
      if let port = bound() { return port }
      sched_yield()
    }
    preconditionFailure("the kernel gives no port on loopback")
  }

  private static func bound() -> UInt16? {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard socket >= 0 else { return nil }
    defer { close(socket) }
    var address = sockaddr_in(
      sin_family: sa_family_t(AF_INET), sin_port: 0, sin_addr: in_addr(s_addr: UInt32(0x7F00_0001).bigEndian),
      sin_zero: (0, 0, 0, 0, 0, 0, 0, 0))
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, size) == 0 && getsockname(socket, $0, &size) == 0
      }
    }
    return isBound && address.sin_port != 0 ? UInt16(bigEndian: address.sin_port) : nil
  }
}
