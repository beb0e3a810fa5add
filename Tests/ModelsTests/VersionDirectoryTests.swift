import FoundationEssentials
import Market
import TestSupport
import Testing

@testable import Models

struct VersionDirectoryTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func `the card that is read is the card that was written`() throws {
    let made = MadeVersion()
    let directory = try VersionDirectory(verifying: try made.write(in: folder.path))
    #expect(try directory.card() == (try made.card()))
    #expect(try directory.calibration() == made.calibration)
  }

  @Test func `the same version written twice has the same digest`() throws {
    let made = MadeVersion()
    let first = try VersionDirectory(verifying: try made.write(in: folder.path + "/a"))
    let second = try VersionDirectory(verifying: try made.write(in: folder.path + "/b"))
    #expect(first.digest == second.digest)
  }

  @Test func `a changed, missing or added file is named`() throws {
    let path = try MadeVersion().write(in: folder.path)
    let manager = FileManager.default
    let weights = path + "/weights.safetensors"
    var data = try Data(contentsOf: URL(filePath: weights))
    data[data.count - 1] ^= 1
    try data.write(to: URL(filePath: weights))
    #expect { try VersionDirectory(verifying: path) } throws: { error in
      guard case .changed(let file, _, let expected, let actual) = error as? VersionError else { return false }
      return file == "weights.safetensors" && expected != actual
    }
    try manager.removeItem(atPath: weights)
    #expect(throws: VersionError.missing(file: "weights.safetensors", folder: path)) {
      try VersionDirectory(verifying: path)
    }
    try Data().write(to: URL(filePath: path + "/extra"))
    #expect(throws: VersionError.unlisted(file: "extra", folder: path)) { try VersionDirectory(verifying: path) }
    #expect(throws: VersionError.missing(file: "SHA256SUMS", folder: folder.path + "/nowhere")) {
      try VersionDirectory(verifying: folder.path + "/nowhere")
    }
  }

  @Test(arguments: ["../evil", "", "SHA256SUMS", "a/b", ".."])
  func `checksums cannot lead out of the folder`(name: String) throws {
    let sums = String(repeating: "0", count: 64) + "  \(name)\n"
    try Data(sums.utf8).write(to: URL(filePath: folder.path + "/SHA256SUMS"))
    #expect { try VersionDirectory(verifying: folder.path) } throws: { error in
      if case .malformed(file: "SHA256SUMS", _, _) = error as? VersionError { true } else { false }
    }
  }

  @Test(arguments: [
    ("\"schema\" : 1", "\"schema\" : 2"), ("window-15m", "window-16m"), ("binance:BTCUSDT", "Binance"),
    ("\"20240101-1\"", "\"../x\""), ("\"volatility_column\" : 79", "\"volatility_column\" : 80"),
    ("\"volatility_column\" : 79", "\"x\" : 79"), ("2023-02-01T00:00:00Z", "soon"),
  ])
  func `a card that makes no sense is refused, even with right checksums`(from: String, to: String) throws {
    let made = MadeVersion()
    let text = String(decoding: try StableJSON.encode(try made.card()), as: UTF8.self)
    #expect(text.contains(from))
    #expect(throws: (any Error).self) {
      let card = try StableJSON.decode(VersionCard.self, from: Array(text.replacing(from, with: to).utf8))
      guard card.schema == VersionCard.currentSchema else { throw TreeModelError.missing(key: "schema") }
    }
  }

  @Test(arguments: 0..<200)
  func `a mutated card or calibration is refused or read, and never traps`(seed: UInt64) throws {
    let made = MadeVersion(treeCount: 1, depth: 1)
    var generator = SplitMix64(seed: seed)
    func mutated(_ bytes: [UInt8]) -> [UInt8] {
      var bytes = bytes
      let index = Int.random(in: 0..<bytes.count, using: &generator)
      bytes[index] = Bool.random(using: &generator) ? UInt8.random(in: 48...57, using: &generator) : 34
      return bytes
    }
    let card = mutated(try StableJSON.encode(try made.card()))
    if let read = try? StableJSON.decode(VersionCard.self, from: card) {
      #expect(read.layout.inputNames.count == read.layout.inputCount + Latents.count)
      #expect(read.layout.sequencePositions.count == read.layout.sequenceColumns.count)
    }
    if let read = try? StableJSON.decode(Calibration.self, from: mutated(try StableJSON.encode(made.calibration))) {
      #expect(read.mlp.map { Probability.range.contains($0.probability(margin: 0.3)) } ?? true)
    }
  }

  @Test func `a figure that is not finite leaves nothing behind`() throws {
    let made = MadeVersion()
    var card = try made.card()
    card.agreement = ["ModelA": .nan]
    #expect(throws: VersionError.self) {
      try VersionDirectory.write(card, calibration: made.calibration, files: [:], to: folder.path + "/x")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test func `what an interrupted writer left does not hinder the next`() throws {
    let made = MadeVersion()
    let left = "\(folder.path)/\(made.name).staging"
    try FileManager.default.createDirectory(atPath: left, withIntermediateDirectories: true)
    try Data([1]).write(to: URL(filePath: left + "/card.json"))
    #expect(try VersionDirectory(verifying: try made.write(in: folder.path)).has("card.json"))
    #expect(!FileManager.default.fileExists(atPath: left))
  }
}
