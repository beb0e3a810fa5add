import Compression
import Market
import TestSupport
import Testing

@testable import Archive

/// Files of random schemas and records, read by us, and written again by fastavro and then read by us.
struct AvroRoundTripTests {
  @Test(arguments: Soak.seeds(6))
  func `what is written is read, by fastavro too`(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    var files: [(path: String, schema: String, records: [AvroValue])] = []
    for index in 0..<12 {
      var draw = AvroDraw(seed: seed * 100 + UInt64(index))
      let schema = draw.recordSchema()
      let records = (0..<Int(draw.number(40))).map { _ in draw.value(schema) }
      let path = folder.file("\(index).avro")
      let codec = AvroCodec.allCases[index % AvroCodec.allCases.count]
      let writer = try AvroWriter(
        try OutputFile(path: path), name: path, schema: AvroSchema(own: schema.text), codec: codec)
      for record in records { try writer.append(record) }
      try writer.finish()
      files.append((path, schema.text, records))
    }
    for codec in AvroCodec.allCases {
      _ = try AvroPeer.run(["recode", codec.rawValue] + files.flatMap { [$0.path, "\($0.path).\(codec)"] })
    }
    for file in files {
      #expect(try read(file.path) == file.records, "seed \(seed), \(file.schema)")
      for codec in AvroCodec.allCases {
        #expect(try read("\(file.path).\(codec)") == file.records, "seed \(seed), \(codec), \(file.schema)")
      }
    }
  }

  private func read(_ path: String) throws -> [AvroValue] {
    let reader = try AvroReader(try InputFile(path: path).unpacked(), name: path)
    var records: [AvroValue] = []
    while let batch = try reader.next() { records += batch }
    return records
  }
}

/// Schemas and values that fit them.
struct AvroDraw {
  indirect enum Shape {
    case plain(String)
    case decimal(size: Int?, precision: Int, scale: Int, name: String)
    case time(String)
    case enumeration(name: String, symbols: [String])
    case fixed(name: String, size: Int)
    case array(Shape)
    case map(Shape)
    case optional(Shape)
    case record(name: String, fields: [(name: String, shape: Shape)])

    var text: String {
      switch self {
      case .plain(let name): "\"\(name)\""
      case .decimal(nil, let precision, let scale, _):
        #"{"type":"bytes","logicalType":"decimal","precision":\#(precision),"scale":\#(scale)}"#
      case .decimal(let size?, let precision, let scale, let name):
        #"{"type":"fixed","name":"\#(name)","size":\#(size),"logicalType":"decimal","#
          + #""precision":\#(precision),"scale":\#(scale)}"#
      case .time(let unit): #"{"type":"long","logicalType":"timestamp-\#(unit)"}"#
      case .enumeration(let name, let symbols):
        #"{"type":"enum","name":"\#(name)","symbols":[\#(symbols.map { "\"\($0)\"" }.joined(separator: ","))]}"#
      case .fixed(let name, let size): #"{"type":"fixed","name":"\#(name)","size":\#(size)}"#
      case .array(let items): #"{"type":"array","items":\#(items.text)}"#
      case .map(let values): #"{"type":"map","values":\#(values.text)}"#
      case .optional(let inner): #"["null",\#(inner.text)]"#
      case .record(let name, let fields):
        #"{"type":"record","name":"\#(name)","fields":[\#(fields.map(AvroDraw.text).joined(separator: ","))]}"#
      }
    }
  }

  fileprivate static func text(_ field: (name: String, shape: Shape)) -> String {
    #"{"name":"\#(field.name)","type":\#(field.shape.text)}"#
  }

  private var random: SplitMix64
  private var names = 0

  init(seed: UInt64) { random = SplitMix64(seed: seed) }

  mutating func number(_ limit: UInt64) -> UInt64 { random.next() % limit }

  private mutating func name() -> String {
    names += 1
    return "N\(names)"
  }

  mutating func recordSchema(depth: Int = 0) -> Shape {
    let name = name()
    let fields = (0..<Int(1 + number(6))).map { (name: "f\($0)", shape: shape(depth: depth + 1)) }
    return .record(name: name, fields: fields)
  }

  private mutating func shape(depth: Int) -> Shape {
    switch number(depth < 4 ? 16 : 11) {
    case 0: return .plain("boolean")
    case 1: return .plain("int")
    case 2: return .plain("long")
    case 3: return .plain("float")
    case 4: return .plain("double")
    case 5: return .plain("bytes")
    case 6: return .plain("string")
    case 7: return .time(["millis", "micros"][Int(number(2))])
    case 8: return .enumeration(name: name(), symbols: (0..<1 + number(5)).map { "S\($0)" })
    case 9: return .fixed(name: name(), size: Int(1 + number(20)))
    case 10:
      let size: Int? = number(2) == 0 ? nil : 9
      return .decimal(size: size, precision: 20, scale: Int(number(9)), name: name())
    case 11: return .array(shape(depth: depth + 1))
    case 12: return .map(shape(depth: depth + 1))
    case 13, 14:
      let inner = shape(depth: depth + 1)
      if case .optional = inner { return inner }
      return .optional(inner)
    default: return recordSchema(depth: depth)
    }
  }

  mutating func value(_ shape: Shape) -> AvroValue {
    switch shape {
    case .plain("boolean"): .boolean(number(2) == 0)
    case .plain("int"): .integer(Int64(Int32(truncatingIfNeeded: wide())))
    case .plain("long"): .integer(wide())
    case .plain("float"): .number(Double(Float(Double(wide()) / 1e9)))
    case .plain("double"): .number(Double(wide()) / 1e9)
    case .plain("bytes"): .bytes((0..<number(20)).map { _ in UInt8(number(256)) })
    case .plain:
      .text(String((0..<number(12)).map { _ in Character(["a", "é", "₿", "𝄞", "\n", "\""][Int(number(6))]) }))
    case .decimal:
      .decimal(Int128(wide()) * Int128(number(2) == 0 ? 1 : 10) % 100_000_000_000_000_000_000)
    case .time(let unit): .integer(Int64(number(4_000_000_000_000)) * (unit == "millis" ? 1 : 1000))
    case .enumeration(_, let symbols): .text(symbols[Int(number(UInt64(symbols.count)))])
    case .fixed(_, let size): .bytes((0..<size).map { _ in UInt8(number(256)) })
    case .array(let items): .array((0..<number(5)).map { _ in value(items) })
    case .map(let values): map(values)
    case .optional(let inner): number(3) == 0 ? .null : value(inner)
    case .record(_, let fields): .record(fields.map { value($0.shape) })
    }
  }

  private mutating func map(_ values: Shape) -> AvroValue {
    var result: [String: AvroValue] = [:]
    for index in 0..<number(5) { result["k\(index)"] = value(values) }
    return .map(result)
  }

  /// Small and large alike.
  private mutating func wide() -> Int64 {
    let shift = Int64(number(64))
    return Int64(bitPattern: random.next()) >> shift
  }
}
