import Archive
import Crypto
import FoundationEssentials
import Glibc
import Models

/// A models directory in a bucket, as a folder of the user's cache: files by their SHA-256, each fetched once, and versions
/// made of links to them.
struct ModelsMirror: Sendable {
  private static let largestFile = 512 << 20
  private static let largestSums = 64 << 10
  private static let largestJournal = 64 << 20
  private static let sums = "SHA256SUMS"
  private static let journal = "journal.jsonl"
  private static let registry = "registry.json"

  private let objects: any ObjectStore
  /// Of this directory alone.
  private let folder: String
  /// Of all directories.
  private let files: String

  /// - Parameter cache: the program's folder in the user's cache.
  init(_ objects: any ObjectStore, cache: String) {
    self.objects = objects
    folder = "\(cache)/models/" + SHA256.hexDigest(of: Array(objects.url.utf8)).prefix(16)
    files = "\(cache)/models/files"
  }

  /// What tells that the list of versions has changed.
  struct Tags: Hashable, Sendable {
    let journal: String?
    let registry: String?
  }

  struct Copy: Hashable, Sendable {
    let folder: String
    /// Of the list of versions that the folder has, or of an older one.
    let tags: Tags
  }

  func tags() async throws -> Tags {
    do throws(ObjectError) {
      return Tags(journal: try await objects.tag(Self.journal), registry: try await objects.tag(Self.registry))
    } catch {
      throw ArchiveError.object(error)
    }
  }

  /// Fetches what is new.
  func refresh() async throws -> Copy {
    let tags = try await tags()
    // A version is there before the journal names it, so one that this journal names is in the listing behind it.
    let journal = try await bytes(Self.journal, limit: Self.largestJournal)
    let registry = try await bytes(Self.registry, limit: Self.largestJournal)
    guard journal != nil || registry != nil else {
      throw CommandError(
        .unreachable,
        "\(objects.url): holds no models; copy a models folder there, registry.json and journal.jsonl last")
    }
    for place in ["active", "archive"] {
      for entry in try await objects.list(place + "/") {
        let parts = entry.key.split(separator: "/")
        guard parts.count == 3, parts[2] == Self.sums, let name = VersionName(parts[1]) else { continue }
        try await fetch(name, from: "\(place)/\(name)")
      }
    }
    if let journal { try Self.replace("\(folder)/\(Self.journal)", with: journal) }
    if let registry { try Self.replace("\(folder)/\(Self.registry)", with: registry) }
    return Copy(folder: folder, tags: tags)
  }

  private func fetch(_ name: VersionName, from key: String) async throws {
    guard let sums = try await bytes("\(key)/\(Self.sums)", limit: Self.largestSums) else { return }
    let target = "\(folder)/\(key)"
    if FileManager.default.contents(atPath: "\(target)/\(Self.sums)").map({ Array($0) }) == sums { return }
    let staging = target + ".new-\(getpid())"
    try FileManager.default.createDirectory(atPath: staging, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: staging) }
    for (file, sha256) in try Self.parse(sums, of: objects.name(key)) {
      let path = try await held(file, sha256, of: key)
      guard link(path, "\(staging)/\(file)") == 0 else { throw Self.failure("\(staging)/\(file)") }
    }
    try Data(sums).write(to: URL(filePath: "\(staging)/\(Self.sums)"))
    if FileManager.default.fileExists(atPath: target) { try FileManager.default.removeItem(atPath: target) }
    guard rename(staging, target) == 0 else { throw Self.failure(target) }
  }

  /// The path of a file with these contents, fetched if it is not held yet.
  private func held(_ name: String, _ sha256: String, of key: String) async throws -> String {
    let path = "\(files)/\(sha256)"
    guard !FileManager.default.fileExists(atPath: path) else { return path }
    guard let bytes = try await bytes("\(key)/\(name)", limit: Self.largestFile) else {
      throw CommandError(.badData, "\(objects.name(key)): \(Self.sums) lists \(name), which is not there")
    }
    let found = SHA256.hexDigest(of: bytes)
    guard found == sha256 else {
      throw CommandError(
        .badData, "\(objects.name(key))/\(name): its SHA-256 is \(found), but \(Self.sums) says \(sha256)")
    }
    try Self.replace(path, with: bytes)
    return path
  }

  private func bytes(_ key: String, limit: Int) async throws -> [UInt8]? {
    do throws(ObjectError) { return try await objects.bytes(key, limit: limit) } catch .absent {
      return nil
    } catch {
      throw ArchiveError.object(error)
    }
  }

  private static func parse(_ sums: [UInt8], of version: String) throws -> [(file: String, sha256: String)] {
    try String(decoding: sums, as: UTF8.self).split(separator: "\n").map { line in
      let (digest, name) = (String(line.prefix(64)), String(line.dropFirst(66)))
      guard [UInt8](hexadecimal: Array(digest.utf8))?.count == 32, line.dropFirst(64).hasPrefix("  "), !name.isEmpty,
        !name.contains("/"), name != ".", name != "..", name != Self.sums
      else { throw CommandError(.badData, "\(version)/\(Self.sums): a line is no checksum and name") }
      return (name, digest)
    }
  }

  /// Readers see the old bytes or the new ones.
  private static func replace(_ path: String, with bytes: [UInt8]) throws {
    let parent = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    let partial = "\(path).new-\(getpid())"
    try Data(bytes).write(to: URL(filePath: partial))
    guard rename(partial, path) == 0 else { throw failure(path) }
  }

  private static func failure(_ path: String) -> CommandError {
    CommandError(.failed, "\(path): cannot be written: \(String(cString: strerror(errno)))")
  }
}

extension CommandContext {
  /// `nil` where the models are a folder already.
  func mirroredModels() throws -> ModelsMirror.Copy? {
    guard let mirror = try modelsInBucket() else { return nil }
    return try Blocking.run { try await mirror.refresh() }
  }

  func modelsInBucket() throws -> ModelsMirror? {
    guard modelsURL.hasPrefix("s3://"), let location = ObjectLocation(modelsURL) else { return nil }
    return ModelsMirror(try objects(location), cache: userCache)
  }

  /// What changes models needs a folder of them.
  func requireOwnModels() throws {
    guard modelsMirror != nil else { return }
    throw CommandError(
      .wrongUsage,
      "--models \(modelsURL) is only read; work on a folder and copy it there, registry.json and journal.jsonl last, "
        + "as with `aws s3 sync`")
  }

  private var userCache: String {
    let set = environment.filter { !$0.value.isEmpty }
    return set["CANDLECAST_CACHE"] ?? set["XDG_CACHE_HOME"].map { $0 + "/candlecast" }
      ?? (set["HOME"] ?? "") + "/.cache/candlecast"
  }
}
