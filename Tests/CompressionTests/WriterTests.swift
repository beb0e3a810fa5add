import Compression
import FoundationEssentials
import Glibc
import Market
import TestSupport
import Testing

struct WriterTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(arguments: Soak.seeds(8))
  func `what is packed in pieces is unpacked whole`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let pieces = (0..<20).map { _ in piece(&random) }
    let (zstd, gzip) = (OutputBytes(), OutputBytes())
    let (zstdWriter, gzipWriter) = (ZstdWriter(zstd), GzipWriter(gzip))
    for piece in pieces {
      try zstdWriter.write(piece[...])
      try gzipWriter.write(piece[...])
      guard Int.random(in: 0..<4, using: &random) == 0 else { continue }
      try zstdWriter.flush()
      try gzipWriter.flush()
    }
    try zstdWriter.finish()
    try gzipWriter.finish()
    for sink in [zstd, gzip] {
      #expect(try InputBytes(sink.bytes, name: "answer").unpacked().readAll() == Array(pieces.joined()))
    }
  }

  @Test(arguments: Soak.seeds(4))
  func `after a crash everything up to the last flush is there, then a clear end`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let sink = OutputBytes()
    let writer = ZstdWriter(sink)
    var text: [UInt8] = []
    var flushed: [(bytes: Int, text: Int)] = [(0, 0)]
    for _ in 0..<6 {
      let piece = piece(&random).prefix(300)
      try writer.write(piece)
      text += piece
      try writer.flush()
      flushed.append((sink.bytes.count, text.count))
    }
    for cut in 4...sink.bytes.count {
      let source = try InputBytes(Array(sink.bytes.prefix(cut)), name: "cut").unpacked()
      var found: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 100)
      #expect(throws: CompressionError.truncated(path: "cut", format: "zstd")) {
        while true {
          let count = try source.read(into: &buffer, from: 0)
          guard count > 0 else { return }
          found += buffer[..<count]
        }
      }
      #expect(found == text.prefix(found.count).map { $0 })
      #expect(found.count >= flushed.last { $0.bytes <= cut }?.text ?? 0)
    }
  }

  @Test func `a finished writer begins another frame`() throws {
    let sink = OutputBytes()
    let writer = ZstdWriter(sink)
    for text in ["first ", "second"] {
      try writer.write(Array(text.utf8)[...])
      try writer.finish()
    }
    #expect(try InputBytes(sink.bytes, name: "frames").unpacked().readAll() == Array("first second".utf8))
  }

  @Test(arguments: [ZipWriter.Method.stored, .deflated])
  func `a zip of one member is read back`(method: ZipWriter.Method) throws {
    var random = SplitMix64(seed: 1)
    for count in [0, 1, 100_000] {
      let contents = (0..<count).map { _ in UInt8.random(in: 48...57, using: &random) }
      let sink = OutputBytes()
      let writer = ZipWriter(sink)
      try writer.add("BTCUSDT-1m-2024-08-08.csv", contents, method: method)
      try writer.finish()
      #expect(try InputBytes(sink.bytes, name: "answer").unpacked().readAll() == contents)
    }
  }

  @Test func `python reads a zip of several members`() throws {
    let path = folder.file("several.zip")
    let writer = ZipWriter(try OutputFile(path: path))
    try writer.add("a.csv", Array("one\n".utf8))
    try writer.add("ü/b.csv", [UInt8](repeating: 65, count: 200_000), method: .stored)
    try writer.add("c.csv", [UInt8](repeating: 66, count: 200_000))
    try writer.finish()
    let script = """
      import zipfile
      z = zipfile.ZipFile('\(path)')
      assert z.testzip() is None and z.namelist() == ['a.csv', 'ü/b.csv', 'c.csv'], z.namelist()
      assert z.read('a.csv') == b'one\\n' and z.read('ü/b.csv') == b'A' * 200000 and z.read('c.csv') == b'B' * 200000
      """
    let file = try folder.write(script, to: "check.py")
    #expect(try status(of: "/usr/bin/env", ["python3", file]) == 0)
    #expect(throws: CompressionError.self) { try InputFile(path: path).unpacked() }
  }

  @Test func `contents over the agreed size are an error before they are in memory`() throws {
    let bomb = OutputBytes()
    let writer = ZipWriter(bomb)
    try writer.add("zeros", [UInt8](repeating: 0, count: 50_000_000))
    try writer.finish()
    let input = InputBytes(bomb.bytes, name: "answer")
    #expect(bomb.bytes.count < 100_000)
    #expect(throws: CompressionError.tooLarge(path: "answer", limitBytes: 1_000_000)) {
      try input.unpacked(limitBytes: 1_000_000).readAll()
    }
    #expect(try input.unpacked(limitBytes: 50_000_000).readAll().count == 50_000_000)
  }

  @Test(arguments: Soak.seeds(10))
  func `lines are the same however the bytes arrive`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let lines = (0..<200).map { _ in String(repeating: "x", count: Int.random(in: 0..<4000, using: &random)) }
    let text = lines.joined(separator: Bool.random(using: &random) ? "\r\n" : "\n")
    let reader = LineReader(try InputBytes(Array(text.utf8), name: "text").unpacked(), longestLine: 4000)
    var found: [String] = []
    var numbers: [Int] = []
    while try reader.fill() {
      reader.forEach {
        found.append(String(decoding: $0, as: UTF8.self)); numbers.append(reader.line)
      }
      #expect(!reader.isTooLong)
    }
    #expect(found == lines.filter { !$0.isEmpty })
    #expect(numbers == lines.indices.filter { !lines[$0].isEmpty }.map { $0 + 1 })
  }

  @Test func `a line over the bound is told before memory grows`() throws {
    let text = [UInt8](repeating: 65, count: 10_000_000)
    let reader = LineReader(try InputBytes(text, name: "text").unpacked(), longestLine: 1000)
    #expect(try reader.fill())
    reader.forEach { _ in Issue.record("there is no line") }
    #expect(reader.isTooLong)
  }

  // MARK: Helpers

  private func piece(_ random: inout SplitMix64) -> [UInt8] {
    let top: UInt8 = Bool.random(using: &random) ? 50 : 255
    return (0..<Int.random(in: 0...5000, using: &random)).map { _ in UInt8.random(in: 48...top, using: &random) }
  }

  private func status(of program: String, _ arguments: [String]) throws -> Int32 {
    var id = pid_t()
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    defer { words.forEach { free($0) } }
    guard posix_spawn(&id, program, nil, nil, &words, environ) == 0 else { return -1 }
    var status: Int32 = 0
    waitpid(id, &status, 0)
    return status
  }
}
