import Market
import Operations
import Storage
import Synchronization

/// Log records on their way to `systemLogs`; what does not fit is counted and left to the files.
final class StoredLog: Sendable {
  private static let capacity = 10_000

  private struct State {
    var rows: [SystemLogRow] = []
    var dropped = 0
  }

  private let state = Mutex(State())

  func append(_ record: LogRecord) {
    state.withLock { state in
      if state.rows.count < Self.capacity { state.rows.append(SystemLogRow(record)) } else { state.dropped += 1 }
    }
  }

  /// What has gathered, and a last row that says how much there was no room for.
  func take(at now: Timestamp) -> [SystemLogRow] {
    state.withLock { state in
      var rows = state.rows
      if state.dropped > 0 {
        rows.append(
          SystemLogRow(time: now, category: "log", level: "warning", message: "\(state.dropped) records left out"))
      }
      state = State()
      return rows
    }
  }
}

extension SystemLogRow {
  init(_ record: LogRecord) {
    let took = record.tookMilliseconds.map { JSONValue.Member("took_ms", .number($0)) }
    let context = record.context + [took].compactMap(\.self)
    self.init(
      time: record.time, category: record.category, subcategory: record.subcategory, level: record.level.name,
      message: record.message, context: context.isEmpty ? nil : JSONValue.object(context).description,
      symbol: record.symbol?.name)
  }
}
