internal import CWebSockets
import Synchronization

/// libwebsockets has one log for a process and tells reasons nowhere else; none of it goes to standard error.
enum LibraryLog {
  private static let lines = Mutex<[String]>([])
  private static let started: Void = lws_set_log_level(candlecast_lws_errors_and_warnings()) { _, line in
    guard let line else { return }
    LibraryLog.keep(String(cString: line))
  }

  static func start() { _ = started }
  static func forget() { lines.withLock { $0 = [] } }
  static var last: String? { lines.withLock { $0.last } }

  private static func keep(_ line: String) {
    lines.withLock { lines in
      lines.append(String(line[...].trimmed))
      if lines.count > 16 { lines.removeFirst() }
    }
  }
}
