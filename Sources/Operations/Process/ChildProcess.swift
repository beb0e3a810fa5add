internal import Glibc

/// Runs another program and hands on its lines as they come.
package struct ChildProcess {
  package var executable: String
  package var arguments: [String]
  /// `nil` passes on our own.
  package var environment: [String: String]?
  /// A program of ours ends when we do, however we end.
  package var endsWithUs = false
  /// How long a child that was asked to stop may take before it is killed.
  package var graceSeconds = 5.0

  package init(executable: String, arguments: [String], environment: [String: String]? = nil) {
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
  }

  package struct Outcome: Hashable, Sendable {
    package let ending: Ending
    package let peakResidentBytes: Int64
    package let processorSeconds: Double
  }

  package enum Ending: Hashable, Sendable {
    case exited(Int32)
    case killed(signal: Int32)
  }

  package enum Stream: Sendable { case output, error }

  /// Blocks until the child has ended. Lines come in order within each stream; when `shouldStop` turns true the child
  /// gets SIGTERM, once.
  ///
  /// - Parameter onStart: told the child's number.
  package func run(
    onStart: (Int32) -> Void = { _ in }, shouldStop: () -> Bool = { false }, onLine: (Stream, String) -> Void
  ) throws(ChildProcessError) -> Outcome {
    let output = try Pipe()
    let error: Pipe
    do {
      error = try Pipe()
    } catch let failure {
      output.closeBoth()
      throw failure
    }
    let process: pid_t
    do {
      process = try spawn(output: output, error: error)
    } catch let failure {
      output.closeBoth()
      error.closeBoth()
      throw failure
    }
    output.closeWriting()
    error.closeWriting()
    onStart(process)
    var reader = LineReader(output: output.reading, error: error.reading)
    var pollsSinceStop: Int?
    while reader.isOpen {
      reader.poll(milliseconds: Self.pollMilliseconds, onLine: onLine)
      if pollsSinceStop == nil, shouldStop() {
        kill(process, SIGTERM)
        pollsSinceStop = 0
      }
      guard let polls = pollsSinceStop else { continue }
      pollsSinceStop = polls + 1
      if Double(polls) * Double(Self.pollMilliseconds) / 1000 > graceSeconds { kill(process, SIGKILL) }
    }
    return Self.wait(for: process)
  }

  private static let pollMilliseconds: Int32 = 50

  /// What a child that ends with us is told of us.
  private var parent: [String: String] { endsWithUs ? [Parent.variable: String(getpid())] : [:] }

  private func spawn(output: Pipe, error: Pipe) throws(ChildProcessError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output.writing, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, error.writing, STDERR_FILENO)
    var attributes = Self.plainSignals()
    defer { posix_spawnattr_destroy(&attributes) }
    var process = pid_t()
    let own = endsWithUs ? self.environment ?? Self.ownEnvironment : self.environment
    let environment = own?.merging(parent) { $1 }
    let code = CStrings([executable] + arguments).withPointers { arguments in
      guard let environment else { return posix_spawn(&process, executable, &actions, &attributes, arguments, environ) }
      return CStrings(environment.map { "\($0)=\($1)" }.sorted()).withPointers {
        posix_spawn(&process, executable, &actions, &attributes, arguments, $0)
      }
    }
    guard code == 0 else {
      throw ChildProcessError(executable: executable, reason: String(cString: strerror(code)))
    }
    return process
  }

  private static var ownEnvironment: [String: String] {
    var own: [String: String] = [:]
    var next = environ
    while let variable = next.pointee {
      let parts = String(cString: variable).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { own[String(parts[0])] = String(parts[1]) }
      next += 1
    }
    return own
  }

  /// No signal blocked or ignored: a thread that starts a child may block them, and we ignore SIGPIPE.
  private static func plainSignals() -> posix_spawnattr_t {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    return attributes
  }

  private static func wait(for process: pid_t) -> Outcome {
    var status: Int32 = 0
    var usage = rusage()
    while wait4(process, &status, 0, &usage) < 0, errno == EINTR {}
    let signal = status & 0x7F
    let seconds =
      Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
      / 1e6
    return Outcome(
      ending: signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal),
      peakResidentBytes: Int64(usage.ru_maxrss) * 1024, processorSeconds: seconds)
  }
}

/// A program that could not be started.
package struct ChildProcessError: Error, Hashable, CustomStringConvertible {
  package let executable: String
  package let reason: String

  package var description: String { "cannot start \(executable): \(reason)" }
}

private struct Pipe {
  let reading: Int32
  let writing: Int32

  init() throws(ChildProcessError) {
    var ends: (Int32, Int32) = (0, 0)
    let code = withUnsafeMutableBytes(of: &ends) { pipe($0.assumingMemoryBound(to: Int32.self).baseAddress) }
    guard code == 0 else { throw ChildProcessError(executable: "pipe", reason: String(cString: strerror(errno))) }
    (reading, writing) = ends
    _ = fcntl(reading, F_SETFD, FD_CLOEXEC)
    _ = fcntl(writing, F_SETFD, FD_CLOEXEC)
  }

  func closeWriting() { close(writing) }

  func closeBoth() {
    close(reading)
    close(writing)
  }
}

/// Copies of strings as C wants a list of them.
private struct CStrings {
  private let strings: [String]

  init(_ strings: [String]) { self.strings = strings }

  func withPointers<Result>(_ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result) -> Result {
    let pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
    for (index, string) in strings.enumerated() { pointers[index] = strdup(string) }
    pointers[strings.count] = nil
    defer {
      for index in strings.indices { free(pointers[index]) }
      pointers.deallocate()
    }
    return body(pointers)
  }
}

/// Both streams of a child, cut into lines.
private struct LineReader {
  private var pending: [(stream: ChildProcess.Stream, descriptor: Int32, bytes: [UInt8])]

  init(output: Int32, error: Int32) {
    pending = [(.output, output, []), (.error, error, [])]
  }

  var isOpen: Bool { !pending.isEmpty }

  /// Waits for bytes of either stream, at most so long; what a stream ends with counts as a line.
  mutating func poll(milliseconds: Int32, onLine: (ChildProcess.Stream, String) -> Void) {
    var waits = pending.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    guard Glibc.poll(&waits, nfds_t(waits.count), milliseconds) > 0 else { return }
    for index in waits.indices.reversed() where waits[index].revents != 0 {
      if !read(index, onLine) {
        if !pending[index].bytes.isEmpty { onLine(pending[index].stream, text(pending[index].bytes[...])) }
        close(pending[index].descriptor)
        pending.remove(at: index)
      }
    }
  }

  /// False at the end of the stream.
  private mutating func read(_ index: Int, _ onLine: (ChildProcess.Stream, String) -> Void) -> Bool {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    let count = Glibc.read(pending[index].descriptor, &chunk, chunk.count)
    if count < 0 { return errno == EINTR || errno == EAGAIN }
    if count == 0 { return false }
    pending[index].bytes += chunk[..<count]
    while let end = pending[index].bytes.firstIndex(of: UInt8(ascii: "\n")) {
      onLine(pending[index].stream, text(pending[index].bytes[..<end]))
      pending[index].bytes.removeSubrange(...end)
    }
    return true
  }

  private func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}
