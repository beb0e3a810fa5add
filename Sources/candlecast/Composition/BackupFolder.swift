import FoundationEssentials
import Glibc
import Market
import Operations
import Storage

/// A folder of backups whose names say when they were made.
struct BackupFolder: Sendable {
  private static let beginning = "candlecast-"
  private static let ending = ".backup"

  let path: String
  /// So many stay.
  let keep: Int

  /// Makes one and takes the oldest away that are too many.
  ///
  /// - Returns: what was made and the paths of those that went.
  func add(_ snapshot: any StoreSnapshot, at now: Timestamp) throws -> (path: String, rows: Int, removed: [String]) {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let file = path + "/" + Self.name(at: now)
    let manifest = try BackupWriter.write(snapshot, to: file, madeAt: now)
    return (file, manifest.rows, try removeOldest())
  }

  private func removeOldest() throws -> [String] {
    let names = try FileManager.default.contentsOfDirectory(atPath: path).filter {
      $0.hasPrefix(Self.beginning) && $0.hasSuffix(Self.ending)
    }
    return names.sorted().dropLast(keep).map { path + "/" + $0 }.filter { unlink($0) == 0 }
  }

  /// `candlecast-20260114T060000Z.backup`.
  static func name(at time: Timestamp) -> String {
    let text = time.description.filter { $0.isNumber || $0 == "T" }
    return beginning + text.prefix(15) + "Z" + ending
  }

  /// What was asked for: a file, or a new one in a folder that is there.
  static func path(for path: String, at now: Timestamp) -> String {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return path }
    return (path.hasSuffix("/") ? String(path.dropLast()) : path) + "/" + name(at: now)
  }

  static func bytes(of path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }
}

extension BackupFolder {
  /// What the configuration says of a live feed's backups.
  init(_ context: CommandContext) {
    path = context.configuration.text("backup.directory") ?? context.stateFolder + "/backups"
    keep = context.configuration.integer("backup.keep") ?? 8
  }
}
