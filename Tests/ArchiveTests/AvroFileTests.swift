import Compression
import FoundationEssentials
import TestSupport
import Testing

@testable import Archive

/// What `Scripts/golden/make_avro.py` wrote with fastavro, and two files of another writer.
struct AvroFileTests {
  private func records(_ path: String, as schema: AvroSchema? = nil) throws -> [AvroValue] {
    let reader = try AvroReader(try InputFile(path: path).unpacked(), name: "file", as: schema)
    var records: [AvroValue] = []
    while let batch = try reader.next() { records += batch }
    return records
  }

  private func read(_ bytes: [UInt8], as schema: AvroSchema? = nil) throws -> [AvroValue] {
    let reader = try AvroReader(try InputBytes(bytes, name: "file").unpacked(), name: "file", as: schema)
    var records: [AvroValue] = []
    while let batch = try reader.next() { records += batch }
    return records
  }

  private func written(
    _ records: [AvroValue], _ schema: AvroSchema, _ codec: AvroCodec = .null
  ) throws -> [UInt8] {
    let sink = OutputBytes()
    let writer = try AvroWriter(sink, name: "file", schema: schema, codec: codec)
    for record in records { try writer.append(record) }
    try writer.finish()
    return sink.bytes
  }

  @Test(arguments: ["null", "deflate", "zstandard"])
  func `every type comes out of fastavro's files`(codec: String) throws {
    let first: [AvroValue] = [
      .null, .boolean(true), .integer(-2_147_483_648), .integer(.max), .number(0.5), .number(0.1),
      .bytes([0, 255]), .text("Bitcoin ₿"), .text("sell"), .bytes([1, 2, 3, 4]),
      .array([.integer(1), .integer(-1), .integer(64), .integer(-65)]), .map(["a": .text("b"), "c": .null]),
      .null, .integer(7), .decimal(6_000_012_345_678), .decimal(-1), .integer(1_705_494_605_123),
      .integer(1_705_494_605_123_456), .integer(1_705_494_605_123_456_789),
      .record([.text("buy"), .record([.text("sell"), .null])]),
    ]
    let second: [AvroValue] = [
      .null, .boolean(false), .integer(2_147_483_647), .integer(.min), .number(-1.5), .number(-2.5e300),
      .bytes([]), .text(""), .text("buy"), .bytes([255, 0, 255, 0]), .array([]), .map([:]), .text("x"),
      .text("seven"), .decimal(-100_000_000), .decimal(99_999_999_999_999_999_999), .integer(0), .integer(-1),
      .integer(0), .record([.text("sell"), .null]),
    ]
    #expect(try records(fixture("every_\(codec).avro")) == [.record(first), .record(second)])
  }

  @Test(arguments: ["tick_null.avro", "tick_deflate.avro"])
  func `ticks with decimals and microseconds`(name: String) throws {
    let start: Int64 = 1_767_225_600_000_000
    let found = try records(fixture(name))
    #expect(
      found.first
        == .record([
          .text("BTCUSDT"), .integer(start), .decimal(6_000_012_345_678), .number(0.5), .boolean(true), .null,
        ]))
    guard case .record(let second) = try #require(found.last) else { return }
    #expect(second[2] == .decimal(-100_000_000))
    #expect(second[5] == .text("x"))
  }

  @Test func `lists in pieces with their lengths`() throws {
    let found = try records(fixture("counted.avro"))
    #expect(
      found == [.record([.array([.integer(3), .integer(4), .integer(5)]), .map(["a": .integer(1)])])])
  }

  @Test func `numbers have the bytes of the vectors`() throws {
    struct Vector: Decodable {
      let value: String
      let hex: String
    }
    let data = try Data(contentsOf: URL(filePath: fixture("avro.long_vectors.json")))
    let schema = AvroSchema(own: #""long""#)
    for vector in try JSONDecoder().decode([Vector].self, from: data) {
      var encoder = AvroEncoder(schema)
      try encoder.add(.integer(try #require(Int64(vector.value))))
      #expect(encoder.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == vector.hex)
    }
  }

  private static let decimals: [(units: Int128, bytes: [UInt8])] = [
    (0, [0]), (127, [0x7F]), (128, [0, 0x80]), (-128, [0x80]), (-129, [0xFF, 0x7F]),
    (6_000_012_345_678, [0x05, 0x74, 0xFC, 0x9A, 0xC1, 0x4E]), (-100_000_000, [0xFA, 0x0A, 0x1F, 0x00]),
    (Int128.max, [0x7F] + [UInt8](repeating: 0xFF, count: 15)),
    (Int128.min, [0x80] + [UInt8](repeating: 0, count: 15)),
  ]

  @Test(arguments: decimals)
  func `decimals have the fewest bytes`(units: Int128, bytes: [UInt8]) {
    #expect(AvroDecimal.shortest(units) == bytes)
    #expect(AvroDecimal.units(bytes[...]) == units)
    let filler: UInt8 = units < 0 ? 0xFF : 0
    let padded: [UInt8] = [filler, filler, filler] + bytes
    #expect(AvroDecimal.units(padded[...]) == units)
    #expect(AvroDecimal.fixed(units, size: padded.count) == padded)
  }

  @Test func `the same records make the same bytes`() throws {
    let schema = AvroSchema(own: #"{"type":"record","name":"R","fields":[{"name":"a","type":"long"}]}"#)
    let records = (0..<1000).map { AvroValue.record([.integer($0)]) }
    for codec in AvroCodec.allCases {
      #expect(try written(records, schema, codec) == written(records, schema, codec))
    }
  }

  @Test(arguments: AvroCodec.allCases)
  func `many blocks, each of bounded size`(codec: AvroCodec) throws {
    let schema = AvroSchema(own: #"{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}"#)
    let records = (0..<5000).map { AvroValue.record([.text(String(repeating: "x\($0)", count: 30))]) }
    let bytes = try written(records, schema, codec)
    let reader = try AvroReader(try InputBytes(bytes, name: "file").unpacked(), name: "file")
    var (found, batches): ([AvroValue], Int) = ([], 0)
    while let batch = try reader.next() {
      #expect(batch.count <= 1024)
      (found, batches) = (found + batch, batches + 1)
    }
    #expect(found == records)
    #expect(batches >= 5)
  }

  // MARK: Resolution

  private let older = AvroSchema(
    own: """
      {"type":"record","name":"Old","fields":[{"name":"n","type":"int"},{"name":"gone","type":{"type":"array",\
      "items":"string"}},{"name":"was","type":"string"},{"name":"side","type":{"type":"enum","name":"Side",\
      "symbols":["buy","sell","odd"]}},{"name":"at","type":{"type":"long","logicalType":"timestamp-nanos"}},\
      {"name":"price","type":"double"}]}
      """)

  @Test func `an older file is read with new fields, other units and other names`() throws {
    let bytes = try written(
      [.record([.integer(5), .array([.text("a")]), .text("w"), .text("odd"), .integer(-1500), .number(0.1)])], older)
    let wanted = AvroSchema(
      own: """
        {"type":"record","name":"New","fields":[{"name":"is","aliases":["was"],"type":["null","string"]},\
        {"name":"n","type":"double"},{"name":"added","type":["null","long"],"default":null},\
        {"name":"level","type":"long","default":7},\
        {"name":"side","type":{"type":"enum","name":"Side","symbols":["none","buy"],"default":"none"}},\
        {"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},\
        {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":20,"scale":8}}]}
        """)
    #expect(
      try read(bytes, as: wanted) == [
        .record([.text("w"), .number(5), .null, .integer(7), .text("none"), .integer(-2), .decimal(10_000_000)])
      ])
  }

  @Test func `a field that cannot be had is an error`() throws {
    let bytes = try written(
      [.record([.integer(5), .array([]), .text("w"), .text("buy"), .integer(0), .number(1)])], older)
    for field in [#"{"name":"none","type":"long"}"#, #"{"name":"n","type":"string"}"#] {
      let wanted = AvroSchema(own: #"{"type":"record","name":"New","fields":[\#(field)]}"#)
      #expect(throws: AvroError.self) { try read(bytes, as: wanted) }
    }
  }

  @Test func `a type may hold itself`() throws {
    let schema = AvroSchema(
      own: #"{"type":"record","name":"Node","fields":[{"name":"v","type":"int"},{"name":"n","type":["null","Node"]}]}"#)
    func chain(_ length: Int) -> AvroValue {
      (0..<length).reduce(.null) { next, index in .record([.integer(Int64(index)), next]) }
    }
    let bytes = try written([chain(40)], schema)
    #expect(try read(bytes) == [chain(40)])
    #expect(try read(bytes, as: schema) == [chain(40)])
    #expect(throws: AvroError.self) { try written([chain(200)], schema) }
  }
}
