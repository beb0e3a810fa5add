internal import FoundationEssentials
internal import Glibc
internal import Market

/// A folder with one file of JSON lines a day, `candlecast-2024-03-31.jsonl`; old ones are deleted.
package struct LogFiles: Sendable {
  package let folder: String
  package let retentionDays: Int
  private var day: Int64?
  private var file: Int32?

  package init(folder: String, retentionDays: Int) {
    self.folder = folder
    self.retentionDays = retentionDays
  }

  /// Appends whole lines, so that several processes can share a file. What cannot be written is lost without an error:
  /// a full disk must not stop the work that is logged.
  package mutating func append(_ record: LogRecord) {
    if record.time.day != day { turn(to: record.time.day) }
    guard let file else { return }
    let line = Array((record.json.description + "\n").utf8)
    _ = line.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
  }

  package mutating func close() {
    if let file { _ = Glibc.close(file) }
    file = nil
    day = nil
  }

  private mutating func turn(to newDay: Int64) {
    close()
    day = newDay
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let descriptor = open(folder + "/" + Self.name(day: newDay), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
    if descriptor >= 0 { file = descriptor }
    deleteOld(today: newDay)
  }

  private func deleteOld(today: Int64) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in Self.expired(names, today: today, retentionDays: retentionDays) {
      try? FileManager.default.removeItem(atPath: folder + "/" + name)
    }
  }

  static func name(day: Int64) -> String { "candlecast-\(CivilDate(day: day)).jsonl" }

  /// Our own log files that are older than the retention; nothing else in the folder.
  package static func expired(_ names: [String], today: Int64, retentionDays: Int) -> [String] {
    names.filter { name in
      guard name.hasPrefix("candlecast-"), name.hasSuffix(".jsonl"),
        let time = Timestamp(name.dropFirst(11).dropLast(6)), name == Self.name(day: time.day)
      else { return false }
      return time.day < today - Int64(retentionDays)
    }
  }
}
