import FoundationEssentials
import Glibc
import Ingestion
import Market

/// What a feed must know again after a crash, in a small file beside the store. It is replaced whole, so a crash leaves
/// the old or the new one.
struct FeedMemoryFile: Sendable {
  let path: String

  init(in folder: String) { path = folder + "/venue-limits.json" }

  /// Nothing is remembered if there is no file; a damaged one is an error, because going on could get us banned.
  func read() throws -> [FeedMemoryEntry] {
    guard let data = FileManager.default.contents(atPath: path) else { return [] }
    do { return try JSONDecoder().decode([FeedMemoryEntry].self, from: data) } catch {
      throw CommandError(
        .badData, "\(path) cannot be read (\(error)); if no venue has refused this address lately, delete it")
    }
  }

  func write(_ entries: [FeedMemoryEntry]) throws {
    let data = try JSONEncoder().encode(entries)
    do {
      // Beside a store on a server nothing else may have made the folder.
      try FileManager.default.createDirectory(
        at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
      try data.write(to: URL(filePath: path + ".new"))
    } catch {
      throw CommandError(.failed, "cannot write \(path).new: \(error)")
    }
    guard rename(path + ".new", path) == 0 else {
      throw CommandError(.failed, "cannot write \(path): \(String(cString: strerror(errno)))")
    }
  }
}
