import Glibc
import Operations
import Testing

struct SignalsTests {
  @Test func `the first asks to stop, the second ends the program`() async {
    await #expect(processExitsWith: .exitCode(128 + SIGINT)) {
      Signals.install()
      // Threads of the pool that runs tests block signals.
      var all = sigset_t()
      sigfillset(&all)
      pthread_sigmask(SIG_UNBLOCK, &all, nil)
      guard !Signals.isStopRequested else { exit(1) }
      raise(SIGTERM)
      guard Signals.isStopRequested else { exit(2) }
      raise(SIGINT)
    }
  }

  @Test func `a closed pipe does not kill`() async {
    await #expect(processExitsWith: .exitCode(7)) {
      Signals.install()
      var ends: (Int32, Int32) = (0, 0)
      _ = withUnsafeMutableBytes(of: &ends) { pipe($0.assumingMemoryBound(to: Int32.self).baseAddress) }
      close(ends.0)
      Terminal(descriptor: ends.1).write("nobody reads this")
      exit(7)
    }
  }
}
