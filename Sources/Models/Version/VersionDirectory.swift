internal import Crypto

/// A version's folder: its card, models, calibration and the checksums of all of them.
package struct VersionDirectory: Sendable {
  package enum File {
    package static let card = "card.json"
    package static let treesA = "model_a.json"
    package static let treesC = "model_c.json"
    package static let weights = "weights.safetensors"
    package static let calibration = "calibration.json"
    /// Of versions of the tick cadence.
    package static let ticks = "ticks.json"
    package static let sums = "SHA256SUMS"
  }

  package let path: String
  /// SHA-256 of `SHA256SUMS`: one line that stands for every byte of the version.
  package let digest: String
  private let contents: [String: [UInt8]]

  private static let largestFile = 512 << 20
  private static let largestSums = 64 << 10

  /// Reads and verifies every file.
  package init(verifying path: String) throws(VersionError) {
    let names = DurableFile.names(in: path)
    guard names.contains(File.sums) else { throw .missing(file: File.sums, folder: path) }
    let sums = try Self.read(File.sums, in: path, atMost: Self.largestSums)
    let expected = try Self.parse(sums, folder: path)
    if let stray = names.first(where: { $0 != File.sums && expected[$0] == nil }) {
      throw .unlisted(file: stray, folder: path)
    }
    var contents: [String: [UInt8]] = [:]
    for (name, digest) in expected.sorted(by: { $0.key < $1.key }) {
      guard names.contains(name) else { throw .missing(file: name, folder: path) }
      let bytes = try Self.read(name, in: path, atMost: Self.largestFile)
      let actual = SHA256.hexDigest(of: bytes)
      guard actual == digest else { throw .changed(file: name, folder: path, expected: digest, actual: actual) }
      contents[name] = bytes
    }
    self.path = path
    self.contents = contents
    digest = SHA256.hexDigest(of: sums)
  }

  /// Writes a new version: into a folder beside it that takes its name when everything is on disk.
  ///
  /// - Parameter files: contents by name, beside the card and the calibration.
  @discardableResult
  package static func write(
    _ card: VersionCard, calibration: Calibration, ticks: TickModel.Facts? = nil, files: [String: [UInt8]],
    to path: String
  ) throws(VersionError) -> VersionDirectory {
    guard !DurableFile.exists(path) else { throw .exists(folder: path) }
    var contents = files
    do {
      contents[File.card] = try StableJSON.encode(card)
      contents[File.calibration] = try StableJSON.encode(calibration)
      if let ticks { contents[File.ticks] = try StableJSON.encode(ticks) }
    } catch {
      throw .malformed(file: File.card, folder: path, reason: "a figure in it is not finite")
    }
    do {
      try write(contents, to: path)
    } catch {
      throw .file(error)
    }
    return try VersionDirectory(verifying: path)
  }

  private static func write(_ contents: [String: [UInt8]], to path: String) throws(FileFailure) {
    let staging = path + ".staging"
    if DurableFile.exists(staging) { try DurableFile.remove(staging) }
    try DurableFile.makeFolder(staging)
    do {
      var sums = ""
      for (name, bytes) in contents.sorted(by: { $0.key < $1.key }) {
        try DurableFile.create("\(staging)/\(name)", bytes)
        sums += "\(SHA256.hexDigest(of: bytes))  \(name)\n"
      }
      try DurableFile.create("\(staging)/\(File.sums)", Array(sums.utf8))
      try DurableFile.syncFolder(staging)
      try DurableFile.move(staging, to: path)
    } catch {
      try? DurableFile.remove(staging)
      throw error
    }
  }

  package func bytes(of file: String) throws(VersionError) -> [UInt8] {
    guard let bytes = contents[file] else { throw .missing(file: file, folder: path) }
    return bytes
  }

  package func has(_ file: String) -> Bool { contents[file] != nil }

  package func card() throws(VersionError) -> VersionCard {
    let card = try decode(VersionCard.self, File.card)
    guard card.schema == VersionCard.currentSchema else {
      throw .mismatch(
        what: "the card's schema", folder: path, expected: "\(VersionCard.currentSchema)", actual: "\(card.schema)")
    }
    return card
  }

  package func calibration() throws(VersionError) -> Calibration { try decode(Calibration.self, File.calibration) }

  package func tickFacts() throws(VersionError) -> TickModel.Facts { try decode(TickModel.Facts.self, File.ticks) }

  private func decode<T: Decodable>(_ type: T.Type, _ file: String) throws(VersionError) -> T {
    let bytes = try bytes(of: file)
    do {
      return try StableJSON.decode(type, from: bytes)
    } catch {
      throw .malformed(file: file, folder: path, reason: StableJSON.reason(error))
    }
  }

  private static func read(_ file: String, in folder: String, atMost limit: Int) throws(VersionError) -> [UInt8] {
    do {
      return try DurableFile.read("\(folder)/\(file)", atMost: limit)
    } catch {
      throw .file(error)
    }
  }

  /// Lines of `sha256sum`: 64 hexadecimal digits, two spaces, a name without folders.
  private static func parse(_ sums: [UInt8], folder: String) throws(VersionError) -> [String: String] {
    var digests: [String: String] = [:]
    for line in String(decoding: sums, as: UTF8.self).split(separator: "\n") {
      let digest = line.prefix(64)
      let name = String(line.dropFirst(66))
      guard digest.utf8.count == 64, line.dropFirst(64).hasPrefix("  "), !name.isEmpty, !name.contains("/"),
        name != "..", name != ".", name != File.sums, digests.updateValue(String(digest), forKey: name) == nil
      else { throw .malformed(file: File.sums, folder: folder, reason: "line “\(line.prefix(100))”") }
    }
    return digests
  }
}
