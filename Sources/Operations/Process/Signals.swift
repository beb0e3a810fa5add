internal import Glibc
internal import Synchronization

/// Ctrl-C and `kill`: the first asks the work in hand to stop at a good place, a second one ends the program at once.
package enum Signals {
  private static let requests = Atomic<Int>(0)

  package static func install() {
    requests.store(0, ordering: .relaxed)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { signal in
      if Signals.requests.add(1, ordering: .relaxed).oldValue > 0 { _exit(128 + signal) }
    }
    sigaction(SIGINT, &action, nil)
    sigaction(SIGTERM, &action, nil)
    // A reader that closes its end of a pipe is noticed by the write, not by dying.
    Glibc.signal(SIGPIPE, SIG_IGN)
  }

  package static var isStopRequested: Bool { requests.load(ordering: .relaxed) > 0 }
}
