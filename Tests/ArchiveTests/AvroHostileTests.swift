import Compression
import TestSupport
import Testing

@testable import Archive

/// Files that lie about themselves end in an error, in bounded memory and time.
struct AvroHostileTests {
  private func read(_ bytes: [UInt8]) throws -> Int {
    let reader = try AvroReader(try InputBytes(bytes, name: "file").unpacked(), name: "file")
    var count = 0
    while let batch = try reader.next() { count += batch.count }
    return count
  }

  private func number(_ value: Int64) -> [UInt8] {
    var bytes: [UInt8] = []
    AvroEncoder.append(value, to: &bytes)
    return bytes
  }

  private func text(_ text: String) -> [UInt8] { number(Int64(text.utf8.count)) + Array(text.utf8) }

  private let sync = [UInt8](repeating: 7, count: 16)

  private func file(_ schema: String, codec: String = "null", count: Int64, block: [UInt8]) -> [UInt8] {
    let header = number(2) + text("avro.schema") + text(schema) + text("avro.codec") + text(codec) + number(0)
    return Array("Obj".utf8) + [1] + header + sync + number(count) + number(Int64(block.count)) + block + sync
  }

  @Test func `an honest file is read`() throws {
    #expect(try read(file(#""long""#, count: 2, block: [2, 4])) == 2)
  }

  @Test(arguments: [
    #""null""#, #"{"type":"record","name":"R","fields":[]}"#, #"{"type":"fixed","name":"F","size":0}"#,
  ])
  func `records without bytes come in bounded number`(schema: String) throws {
    #expect(throws: AvroError.self) { try read(file(schema, count: .max, block: [])) }
  }

  @Test func `a list of nothing comes in bounded number`() throws {
    let block = number(1 << 40) + number(0)
    #expect(throws: AvroError.self) {
      try read(file(#"{"type":"array","items":"null"}"#, count: 1, block: block))
    }
  }

  @Test(arguments: [Int64.max, -1, .min, 1 << 40, 100])
  func `lengths beyond the block`(length: Int64) {
    #expect(throws: AvroError.self) { try read(file(#""string""#, count: 1, block: number(length) + [65])) }
    #expect(throws: AvroError.self) { try read(file(#""bytes""#, count: 1, block: number(length) + [65])) }
    let list = #"{"type":"array","items":"long"}"#
    #expect(throws: AvroError.self) { try read(file(list, count: 1, block: number(length) + [2])) }
  }

  @Test(arguments: [Int64.max, -1, .min, (16 << 20) + 1])
  func `blocks of impossible sizes`(size: Int64) {
    let header = number(1) + text("avro.schema") + text(#""long""#) + number(0)
    let bytes = Array("Obj".utf8) + [1] + header + sync
    #expect(throws: AvroError.self) { try read(bytes + number(1) + number(size) + [2] + sync) }
    #expect(throws: AvroError.self) { try read(bytes + number(size) + number(1) + [2] + sync) }
  }

  @Test(arguments: [PackedBlock.deflate, .zstd])
  func `blocks that unpack to far more than they are`(packing: PackedBlock) throws {
    let bomb = try packing.encode([UInt8](repeating: 0, count: 20 << 20))
    let codec = packing == .deflate ? "deflate" : "zstandard"
    #expect(throws: AvroError.self) { try read(file(#""long""#, codec: codec, count: 20 << 20, block: bomb)) }
  }

  @Test(arguments: [
    #"{"type":"record","name":"R"}"#, #"{"type":"record","fields":[]}"#, #"{"type":"enum","name":"E","symbols":[]}"#,
    #"{"type":"enum","name":"E","symbols":["a","a"]}"#, #"{"type":"fixed","name":"F","size":-1}"#,
    #"{"type":"fixed","name":"F","size":99999999999}"#, #"["null","null"]"#, "[]", #"[["null"],"int"]"#, #""Nowhere""#,
    #"{"type":"record","name":"9","fields":[]}"#, "", "{", #"{"type":"#, #"{"type":7}"#, "nul", "\"", #""\u12"#,
    #""\ud800""#,
    #"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}"#,
  ])
  func `schemas that are none`(schema: String) {
    #expect(throws: AvroError.self) { try read(file(schema, count: 1, block: [2])) }
  }

  @Test func `schemas that are deep`() {
    for opening in ["[", #"{"type":"array","items":"#] {
      let schema = String(repeating: opening, count: 10_000)
      #expect(throws: AvroError.self) { try read(file(schema, count: 1, block: [2])) }
    }
  }

  /// Each type is defined beside the one it holds, so that the text is flat and the values would be deep.
  @Test func `a schema that is deep by names`() {
    let fields = (0..<5000).map { index in
      let held = index == 0 ? #""int""# : "\"R\(index - 1)\""
      return
        #"{"name":"f\#(index)","type":{"type":"record","name":"R\#(index)","fields":[{"name":"x","type":\#(held)}]}}"#
    }
    let schema = #"{"type":"record","name":"Top","fields":[\#(fields.joined(separator: ","))]}"#
    #expect(throws: AvroError.self) { try read(file(schema, count: 1, block: [2])) }
  }

  @Test(arguments: ["snappy", "bzip2", "", "\u{1B}[2J"])
  func `other codecs are named`(codec: String) {
    #expect(throws: AvroError.self) { try read(file(#""long""#, codec: codec, count: 1, block: [2])) }
  }

  @Test func `a cut off file is an error at every length`() throws {
    let bytes = file(#""long""#, count: 2, block: [2, 4])
    let header = bytes.count - 2 - 2 - 16
    for length in 0..<bytes.count where length != header {
      #expect(throws: AvroError.self, "\(length)") { try read(Array(bytes.prefix(length))) }
    }
    #expect(try read(Array(bytes.prefix(header))) == 0)
  }

  @Test(arguments: Soak.seeds(8))
  func `damaged files`(seed: UInt64) throws {
    var mutator = Mutator(seed: seed)
    let names = [
      "every_null.avro", "every_deflate.avro", "every_zstandard.avro", "counted.avro", "seed.avro", "tick_null.avro",
    ]
    let corpus = try names.map { try InputFile(path: fixture($0)).unpacked().readAll() }
    for _ in 0..<150 {
      let bytes = mutator.frame(of: corpus)
      do { _ = try read(bytes) } catch { #expect(error is AvroError || error is CompressionError, "seed \(seed)") }
    }
  }
}
