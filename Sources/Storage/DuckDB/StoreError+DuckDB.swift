/// DuckDB tells its errors apart only in their text.
extension StoreError {
  init(opening path: String, message: String) {
    if let holder = Self.text(in: message, after: "Conflicting lock is held in ", through: ")") {
      self = .locked(path: path, holder: holder)
    } else if message.contains("Could not set lock") {
      self = .locked(path: path, holder: "another program")
    } else if message.contains("version number") || message.contains("newer version") {
      self = .newerSchema(path: path, reason: Self.firstLine(of: message))
    } else if message.contains("Permission denied") || message.contains("Cannot open file")
      || message.contains("read-only")
    {
      self = .cannotOpen(path: path, reason: Self.firstLine(of: message))
    } else if Self.isAboutRoom(message) {
      self = .diskFull(path: path, reason: Self.firstLine(of: message))
    } else {
      self = .corrupt(path: path, reason: Self.firstLine(of: message))
    }
  }

  init(using path: String, message: String) {
    let line = Self.firstLine(of: message)
    if Self.isAboutRoom(message) {
      self = .diskFull(path: path, reason: line)
    } else if message.contains("orrupt") || message.contains("checksum") || message.contains("Serialization Error") {
      self = .corrupt(path: path, reason: line)
    } else {
      self = .failed(path: path, reason: line)
    }
  }

  /// A checkpoint cannot be made while somebody still reads what has been changed since.
  var isOfReadersInTheWay: Bool {
    if case .failed(_, let reason) = self { reason.contains("Cannot CHECKPOINT: there are other") } else { false }
  }

  private static func isAboutRoom(_ message: String) -> Bool {
    ["No space left", "File too large", "quota exceeded"].contains { message.contains($0) }
  }

  private static func firstLine(of message: String) -> String {
    String(message.prefix { $0 != "\n" })
  }

  private static func text(in message: String, after start: String, through end: Character) -> String? {
    guard let found = message.firstRange(of: start) else { return nil }
    let rest = message[found.upperBound...]
    return rest.firstIndex(of: end).map { String(rest[...$0]) }
  }
}
