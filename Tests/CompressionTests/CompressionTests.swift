import Compression
import FoundationEssentials
import Market
import TestSupport
import Testing

import class Foundation.Bundle

struct CompressionTests {
  @Test(arguments: [
    "text.txt", "text.gz", "members.gz", "text.zst", "frames.zst", "text.zip", "stored.zip", "folder.zip",
  ])
  func `every packing gives the same text`(name: String) throws {
    #expect(try contents(of: fixture(name)) == fixtureBytes("text.txt"))
  }

  @Test(arguments: [1, 7, 1000, 1 << 16])
  func `the size of the buffer does not matter`(size: Int) throws {
    for name in ["text.gz", "members.gz", "frames.zst", "text.zip", "stored.zip"] {
      #expect(try contents(of: fixture(name), bufferSize: size) == fixtureBytes("text.txt"))
    }
  }

  @Test func `output much longer than the input is read whole`() throws {
    #expect(try contents(of: fixture("large.zst")) == [UInt8](repeating: 0, count: 3_000_000))
  }

  @Test(arguments: ["text.gz", "text.zst", "text.zip", "stored.zip"])
  func `a file cut anywhere is an error and never shorter text`(name: String) throws {
    let folder = try TemporaryFolder()
    let whole = try fixtureBytes(name)
    for count in 4..<whole.count {
      let path = try folder.write(Array(whole.prefix(count)), to: "cut")
      #expect(throws: CompressionError.self) { try contents(of: path) }
    }
  }

  @Test(arguments: 0..<8)
  func `changed bytes give an error or the same text`(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    let text = try fixtureBytes("text.txt")
    var random = SplitMix64(seed: seed)
    for name in ["text.gz", "text.zst", "text.zip", "stored.zip"] {
      for _ in 0..<60 {
        var bytes = try fixtureBytes(name)
        bytes[Int.random(in: 4..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        let path = try folder.write(bytes, to: "changed")
        do {
          #expect(try contents(of: path) == text)
        } catch is CompressionError {}
      }
    }
  }

  @Test func `bytes behind the end of the data are an error`() throws {
    let folder = try TemporaryFolder()
    for name in ["text.gz", "text.zst"] {
      let path = try folder.write(fixtureBytes(name) + Array("more".utf8), to: name)
      #expect(throws: CompressionError.self) { try contents(of: path) }
    }
  }

  @Test(arguments: ["two.zip", "none.zip", "bzip2.zip"])
  func `a zip that is not one plain file is refused`(name: String) throws {
    let path = fixture(name)
    let error = try #require(throws: CompressionError.self) { try contents(of: path) }
    guard case .unsupported(path, "zip", _) = error else {
      Issue.record("\(error)")
      return
    }
  }

  @Test func `a missing file and a folder cannot be opened`() throws {
    #expect(throws: CompressionError.cannotOpen(path: "/no/such/file", reason: "No such file or directory")) {
      try contents(of: "/no/such/file")
    }
    #expect(throws: CompressionError.cannotOpen(path: "/", reason: "it is not a file")) { try contents(of: "/") }
  }

  // MARK: Helpers

  private func contents(of path: String, bufferSize: Int = 4096) throws -> [UInt8] {
    let source = try InputFile(path: path).unpacked()
    var buffer = [UInt8](repeating: 0, count: bufferSize)
    var contents: [UInt8] = []
    while true {
      let count = try source.read(into: &buffer, from: 0)
      guard count > 0 else { return contents }
      contents += buffer[..<count]
    }
  }

  private func fixture(_ name: String) -> String {
    Bundle.module.bundlePath + "/Fixtures/" + name
  }

  private func fixtureBytes(_ name: String) throws -> [UInt8] {
    try Array(Data(contentsOf: URL(fileURLWithPath: fixture(name))))
  }
}
