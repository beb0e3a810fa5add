/// Why tables could not be carried over.
package enum TransferError: Error, Hashable, Sendable {
  case notABackup(path: String)
  case damaged(path: String, reason: String)
  case newerFormat(path: String, found: Int)
  case unreadable(path: String, reason: String)
  case notWritable(path: String, reason: String)
  case notEmpty(store: String, table: String, rows: Int)
  case unknownTable(store: String, source: String, table: String)
  case unknownColumn(store: String, source: String, column: String)
  case doesNotFit(store: String, column: String, reason: String)
  /// What was read back is not what was written.
  case differs(store: String, table: String)

  /// What a command that meets this error ends with.
  package var exitCode: Int32 {
    switch self {
    case .notWritable, .differs: 1
    case .notEmpty: 2
    case .notABackup, .damaged, .newerFormat, .unknownTable, .unknownColumn, .doesNotFit: 3
    case .unreadable: 4
    }
  }
}

extension TransferError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notABackup(let path): "\(path) is not a backup of Candlecast; `candlecast db backup` makes one"
    case .damaged(let path, let reason):
      "\(path): the backup is damaged: \(reason); nothing was written, use another one"
    case .newerFormat(let path, let found):
      "\(path): the backup was made by a newer version (format \(found)); use that version"
    case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
    case .notWritable(let path, let reason): "\(path) cannot be written: \(reason); choose another place or make room"
    case .notEmpty(let store, let table, let rows):
      "\(store) is not empty: \(table) has \(rows) rows; give the address of a new store"
    case .unknownTable(let store, let source, let table):
      "\(source) has the table \(table), which \(store) does not know: it was written by a newer version; use that one"
    case .unknownColumn(let store, let source, let column):
      "\(source) has the column \(column), which \(store) does not know or keeps as something else: it was written by "
        + "another version; use that one"
    case .doesNotFit(let store, let column, let reason): "\(store): \(column): \(reason); nothing was kept"
    case .differs(let store, let table):
      "\(store): \(table) reads back other than it was written; nothing was kept, try again"
    }
  }
}
